"""Anthropic's SDK: messages, streams, tools, counts of tokens, errors."""

import anthropic

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
HELLO = [{"role": "user", "content": "Grüße aus Köln 😀"}]


def client(base_url: str, key: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=base_url, api_key=key, max_retries=0)


def messages(base_url: str, key: str) -> None:
    answer = client(base_url, key).messages.create(model="sim/echo", max_tokens=100, messages=HELLO)
    assert (answer.content[0].text, answer.stop_reason) == (HELLO[0]["content"], "end_turn"), answer
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0


def stream(base_url: str, key: str) -> None:
    with client(base_url, key).messages.stream(
        model="sim/echo", max_tokens=100, messages=HELLO
    ) as streamed:
        text = "".join(streamed.text_stream)
        final = streamed.get_final_message()
    assert text == final.content[0].text == HELLO[0]["content"]
    assert final.usage.output_tokens > 0


def tools(base_url: str, key: str) -> None:
    asked = client(base_url, key)
    given = {
        "model": "sim/tool",
        "max_tokens": 100,
        "tools": [{"name": "weather", "input_schema": CITY}],
    }
    answer = asked.messages.create(messages=HELLO, **given)
    call = answer.content[-1]
    assert (call.type, call.name, answer.stop_reason) == ("tool_use", "weather", "tool_use"), answer
    with asked.messages.stream(messages=HELLO, **given) as streamed:
        assert streamed.get_final_message().content[-1].input == call.input
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "20 degrees"}
    turns = [
        *HELLO,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result]},
    ]
    assert asked.messages.create(messages=turns, **given).content[0].text == "weather answered: 20 degrees"


def count_tokens(base_url: str, key: str) -> None:
    counted = client(base_url, key).messages.count_tokens(model="sim/echo", messages=HELLO)
    assert counted.input_tokens > 0


def models(base_url: str, key: str) -> None:
    assert "sim/echo" in [model.id for model in client(base_url, key).models.list()]


def errors(base_url: str, key: str) -> None:
    asked = client(base_url, key)
    for model, kind in [
        ("sim/error-429", anthropic.RateLimitError),
        ("sim/error-500", anthropic.InternalServerError),
        ("sim/nobody", anthropic.NotFoundError),
    ]:
        try:
            asked.messages.create(model=model, max_tokens=100, messages=HELLO)
        except kind as error:
            assert error.body["error"]["message"], error
        else:
            raise AssertionError(f"{model} answered")


def broken_stream(base_url: str, key: str) -> None:
    try:
        with client(base_url, key).messages.stream(
            model="sim/cut", max_tokens=100, messages=HELLO
        ) as streamed:
            streamed.until_done()
    except anthropic.APIError:
        return
    raise AssertionError("a stream that was cut ended as if it were whole")


CHECKS = [messages, stream, tools, count_tokens, models, errors, broken_stream]
