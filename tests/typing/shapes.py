"""What a type checker must say of tasks: read by mypy, never run. ``# E:`` marks the errors it must find."""

from typing import Any, assert_type

from sqlqueue import AsyncResult, SQLQueue

app = SQLQueue("shapes")


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
async def fetch(url: str) -> bytes:
    return url.encode()


@app.task(queue="mail", max_retries=5)
def send(to: str, *, copy: bool = False) -> None:
    assert to or copy


@app.task(bind=True)
def resend(self: Any, to: str) -> str:
    return to


@app.task(bind=True, queue="mail")
async def refetch(self: Any, url: str) -> bytes:
    return url.encode()


assert_type(add(1, 2), int)
assert_type(add.delay(1, 2), AsyncResult[int])
assert_type(add.delay(1, 2).get(), int)
assert_type(add.apply_async((1, 2), queue="q"), AsyncResult[int])
assert_type(fetch.delay("u").get(timeout=1), bytes)
assert_type(send.delay("me", copy=True), AsyncResult[None])
assert_type(resend.delay("me").get(), str)
assert_type(refetch.delay("u").get(), bytes)


async def ask() -> None:
    assert_type(await add.adelay(1, 2), AsyncResult[int])
    assert_type(await (await fetch.adelay("u")).aget(), bytes)
    assert_type(await fetch("u"), bytes)
    assert_type(await refetch("u"), bytes)


add.delay("x", 2)  # E: arg-type
add.delay(1)  # E: call-arg
add(1, "y")  # E: arg-type
send.delay("me", copi=True)  # E: call-arg
resend.delay(1)  # E: arg-type
fetch.delay(1)  # E: arg-type
add.apply_async((1, 2), quue="q")  # E: call-arg
add.apply_async((1, 2), priority="high")  # E: typeddict-item|arg-type


@app.task(max_retrys=3)  # E: call-overload|untyped-decorator
def misspelt() -> None: ...
