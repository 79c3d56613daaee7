"""OpenAI's SDK: chat completions, Responses, embeddings, models, errors."""

import asyncio
import json

import openai

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
HELLO = [{"role": "user", "content": "Grüße aus Köln 😀"}]


def client(base_url: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0)


def chat(base_url: str, key: str) -> None:
    answer = client(base_url, key).chat.completions.create(model="sim/echo", messages=HELLO)
    assert answer.choices[0].message.content == HELLO[0]["content"], answer
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def chat_stream(base_url: str, key: str) -> None:
    stream = client(base_url, key).chat.completions.create(
        model="sim/echo", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == HELLO[0]["content"], text
    assert chunks[-1].usage.completion_tokens > 0


def chat_async(base_url: str, key: str) -> None:
    async def ask() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0) as asked:
            calls = [
                asked.chat.completions.create(
                    model="sim/echo", messages=[{"role": "user", "content": f"number {number}"}]
                )
                for number in range(20)
            ]
            return [answer.choices[0].message.content for answer in await asyncio.gather(*calls)]

    assert asyncio.run(ask()) == [f"number {number}" for number in range(20)]


def chat_tools(base_url: str, key: str) -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": CITY}}]
    asked = client(base_url, key)
    answer = asked.chat.completions.create(model="sim/tool", messages=HELLO, tools=tools)
    [call] = answer.choices[0].message.tool_calls
    assert (call.function.name, answer.choices[0].finish_reason) == ("weather", "tool_calls")
    assert "city" in json.loads(call.function.arguments)
    with asked.chat.completions.stream(model="sim/tool", messages=HELLO, tools=tools) as stream:
        stream.until_done()
        [streamed] = stream.get_final_completion().choices[0].message.tool_calls
    assert streamed.function.arguments == call.function.arguments


def responses(base_url: str, key: str) -> None:
    asked = client(base_url, key)
    answer = asked.responses.create(model="sim/echo", input="Hello!")
    assert (answer.output_text, answer.status) == ("Hello!", "completed"), answer
    with asked.responses.stream(model="sim/echo", input="Hello!") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert text == final.output_text == "Hello!"


def embeddings(base_url: str, key: str) -> None:
    answer = client(base_url, key).embeddings.create(model="sim/echo", input=["one", "two"])
    assert [one.index for one in answer.data] == [0, 1]
    assert len(answer.data[0].embedding) == len(answer.data[1].embedding) > 0


def models(base_url: str, key: str) -> None:
    assert "sim/echo" in [model.id for model in client(base_url, key).models.list()]


def errors(base_url: str, key: str) -> None:
    asked = client(base_url, key)
    for model, kind in [
        ("sim/error-429", openai.RateLimitError),
        ("sim/error-500", openai.InternalServerError),
        ("sim/nobody", openai.NotFoundError),
    ]:
        try:
            asked.chat.completions.create(model=model, messages=HELLO)
        except kind as error:
            assert error.body["message"], error
        else:
            raise AssertionError(f"{model} answered")


def broken_stream(base_url: str, key: str) -> None:
    stream = client(base_url, key).chat.completions.create(model="sim/cut", messages=HELLO, stream=True)
    try:
        for _ in stream:
            pass
    except openai.APIError:
        return
    raise AssertionError("a stream that was cut ended as if it were whole")


CHECKS = [
    chat,
    chat_stream,
    chat_async,
    chat_tools,
    responses,
    embeddings,
    models,
    errors,
    broken_stream,
]
