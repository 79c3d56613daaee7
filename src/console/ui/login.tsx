// The login: by the admin token, or by the code of a link that `venturi ui` printed.

import { useEffect, useRef, useState } from "preact/hooks";
import { Fault, session } from "./api.ts";
import { Mark } from "./mark.tsx";

interface LoginProps {
  /** Whether an admin token is configured. */
  readonly has_token: boolean;
  readonly onDone: () => void;
}

/** The login. */
export function Login({ has_token, onDone }: LoginProps) {
  const [token, setToken] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const [is_waiting, setWaiting] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const begin = async (proof: { readonly token: string } | { readonly code: string }) => {
    setWaiting(true);
    setFault(null);
    try {
      await session.begin(proof);
      onDone();
    } catch (error) {
      setFault(error instanceof Fault ? error.message : String(error));
      setWaiting(false);
      field.current?.focus();
    }
  };
  useEffect(() => {
    const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
    if (code === undefined) {
      field.current?.focus();
      return;
    }
    // It is of no more use, and nobody else is to see it.
    history.replaceState(null, "", location.pathname + location.search);
    void begin({ code });
  }, []);
  return (
    <main class="login">
      <form
        class="login-card"
        onSubmit={(event) => {
          event.preventDefault();
          void begin({ token });
        }}
      >
        <h1>
          <Mark /> Venturi
        </h1>
        {has_token ? (
          <>
            <input type="text" name="username" autocomplete="username" value="admin" readOnly hidden />
            <label for="token">Admin token</label>
            <input
              id="token"
              ref={field}
              type="password"
              autocomplete="current-password"
              required
              value={token}
              aria-describedby="token-help"
              aria-invalid={fault !== null}
              onInput={(event) => setToken(event.currentTarget.value)}
            />
            <p id="token-help" class="help">
              It stands in <code>admin.token</code> of the configuration, or in{" "}
              <code>admin.content_token</code> for who may see what calls said. Or run <code>venturi ui</code>{" "}
              where the gateway runs: it prints a link that needs no token.
            </p>
            <button type="submit" class="primary" disabled={is_waiting || token === ""}>
              {is_waiting ? "Logging in…" : "Log in"}
            </button>
          </>
        ) : (
          <>
            <p>No admin token is configured here. Open the dashboard by a link that can be used once:</p>
            <pre class="command">venturi ui</pre>
            <p class="help">
              Run it where the gateway runs, in its folder or with <code>--data DIR</code>. To log in with a
              token instead, put it into the configuration:
            </p>
            <pre class="command">{"admin:\n  token: $" + "{VENTURI_ADMIN_TOKEN}"}</pre>
          </>
        )}
        <p class="login-fault" role="alert">
          {fault}
        </p>
      </form>
    </main>
  );
}
