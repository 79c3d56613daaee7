"""Google's SDK: answers, streams, functions, counts of tokens, errors."""

from google import genai
from google.genai import errors as genai_errors
from google.genai import types

HELLO = "Grüße aus Köln 😀"


def client(base_url: str, key: str) -> genai.Client:
    """It closes its connections when nothing names it any more."""
    return genai.Client(api_key=key, vertexai=False, http_options=types.HttpOptions(base_url=base_url))


def generate(base_url: str, key: str) -> None:
    asked = client(base_url, key)
    answer = asked.models.generate_content(model="sim/echo", contents=HELLO)
    assert answer.text == HELLO, answer
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.usage_metadata.total_token_count > 0


def stream(base_url: str, key: str) -> None:
    asked = client(base_url, key)
    chunks = list(asked.models.generate_content_stream(model="sim/echo", contents=HELLO))
    assert "".join(chunk.text or "" for chunk in chunks) == HELLO
    assert chunks[-1].usage_metadata.total_token_count > 0


def chat(base_url: str, key: str) -> None:
    asked = client(base_url, key)
    talk = asked.chats.create(model="sim/echo")
    assert [talk.send_message("first").text, talk.send_message("second").text] == ["first", "second"]


def functions(base_url: str, key: str) -> None:
    asked = client(base_url, key)
    weather = types.FunctionDeclaration(
        name="weather",
        parameters=types.Schema(
            type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}
        ),
    )
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[weather])])
    answer = asked.models.generate_content(model="sim/tool", contents=HELLO, config=config)
    [call] = answer.function_calls
    assert call.name == "weather", answer


def count_tokens(base_url: str, key: str) -> None:
    asked = client(base_url, key)
    counted = asked.models.count_tokens(model="sim/echo", contents=HELLO)
    assert counted.total_tokens > 0


def errors(base_url: str, key: str) -> None:
    asked = client(base_url, key)
    for model, kind, status in [
        ("sim/error-429", genai_errors.ClientError, 429),
        ("sim/error-500", genai_errors.ServerError, 500),
        ("sim/nobody", genai_errors.ClientError, 404),
    ]:
        try:
            asked.models.generate_content(model=model, contents=HELLO)
        except kind as error:
            assert error.code == status, error
        else:
            raise AssertionError(f"{model} answered")


CHECKS = [generate, stream, chat, functions, count_tokens, errors]
