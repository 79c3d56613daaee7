"""The Python SDKs of OpenAI, Anthropic and Google against a gateway that runs, at its simulator's models.

    pip install -r test/clients/requirements.txt
    python3 test/clients/run.py --base-url http://127.0.0.1:8080

Tells every check; an SDK that is not installed is skipped. Exits 1 where a check failed, or nothing was checked.
"""

import argparse
import importlib
import sys
import traceback

SDKS = ["openai_client", "anthropic_client", "google_client"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", default="any", help="where the gateway wants keys")
    given = parser.parse_args()
    passed = failed = 0
    for name in SDKS:
        try:
            sdk = importlib.import_module(name)
        except ModuleNotFoundError as missing:
            print(f"skipped {name}: {missing}")
            continue
        for check in sdk.CHECKS:
            try:
                check(given.base_url.rstrip("/"), given.key)
            except Exception:
                failed += 1
                print(f"FAILED  {name}.{check.__name__}")
                traceback.print_exc()
            else:
                passed += 1
                print(f"passed  {name}.{check.__name__}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed > 0 or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
