"""What every bus must do, in memory and on a real Redis."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.memory import MemoryBus
from connectors.protocols import Bus, Message
from connectors.redis_bus import RedisBus

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(params=["memory", "redis"])
def bus(request: pytest.FixtureRequest) -> Iterator[Bus]:
    if request.param == "memory":
        yield MemoryBus()
        return
    opened = RedisBus(request.getfixturevalue("redis_server").url)
    yield opened
    opened.close()


def message(data: str, tenant: str = "acme", channel: str = "metrics") -> Message:
    return Message(tenant, channel, data.encode())


def test_messages_arrive_in_order(bus: Bus) -> None:
    reader = bus.subscribe("acme", ["metrics"])
    for i in range(50):
        bus.publish(message(str(i)))
    received = [reader.get(5.0) for _ in range(50)]
    assert received == [message(str(i)) for i in range(50)]
    assert reader.get(0.01) is None


def test_only_the_tenant_and_channels_asked_for_arrive(bus: Bus) -> None:
    reader = bus.subscribe("acme", ["metrics", "alerts"])
    bus.publish(message("1", tenant="other"))
    bus.publish(message("2", channel="events"))
    bus.publish(message("3", channel="alerts"))
    bus.publish(message("4"))
    assert [reader.get(5.0), reader.get(5.0)] == [message("3", channel="alerts"), message("4")]


def test_every_subscriber_gets_its_copy(bus: Bus) -> None:
    readers = [bus.subscribe("acme", ["metrics"]) for _ in range(3)]
    bus.publish(message("1"))
    assert [reader.get(5.0) for reader in readers] == [message("1")] * 3


def test_a_slow_reader_loses_its_oldest_messages_and_others_none(bus: Bus) -> None:
    slow = bus.subscribe("acme", ["metrics"], capacity=2)
    quick = bus.subscribe("acme", ["metrics"], capacity=100)
    for i in range(10):
        bus.publish(message(str(i)))
    assert [quick.get(5.0) for _ in range(10)] == [message(str(i)) for i in range(10)]
    assert [slow.get(5.0), slow.get(5.0)] == [message("8"), message("9")]
    assert (slow.dropped, quick.dropped) == (8, 0)


def test_a_closed_subscription_ends_its_reader(bus: Bus) -> None:
    reader = bus.subscribe("acme", ["metrics"])
    received: list[Message] = []
    thread = threading.Thread(target=lambda: received.extend(reader))
    thread.start()
    bus.publish(message("1"))
    deadline = time.monotonic() + 5
    while not received and time.monotonic() < deadline:
        time.sleep(0.01)
    reader.close()
    thread.join(5)
    assert not thread.is_alive()
    bus.publish(message("2"))
    assert received == [message("1")]
    assert reader.get(0.01) is None


def test_health_counts_subscriptions(bus: Bus) -> None:
    reader = bus.subscribe("acme", ["metrics", "alerts"])
    assert bus.health().ok
    assert bus.health().stats["subscriptions"] == 1
    reader.close()
    assert bus.health().stats["subscriptions"] == 0


def _publish(url: str) -> None:
    bus = RedisBus(url)
    for i in range(5):
        bus.publish(message(str(i)))
    bus.close()


def test_messages_cross_processes(redis_server: Any) -> None:
    bus = RedisBus(redis_server.url)
    reader = bus.subscribe("acme", ["metrics"])
    worker = SPAWN.Process(target=_publish, args=(redis_server.url,))
    worker.start()
    received = [reader.get(30.0) for _ in range(5)]
    worker.join()
    bus.close()
    assert received == [message(str(i)) for i in range(5)]


def test_without_redis_messages_stay_in_the_process_and_then_travel_again(
    redis_server: Any,
) -> None:
    bus = RedisBus(redis_server.url, retry_s=0.1)
    reader = bus.subscribe("acme", ["metrics"])
    redis_server.stop()
    bus.publish(message("1"))
    assert reader.get(5.0) == message("1")
    health = bus.health()
    assert not health.ok
    assert "within this process" in health.detail
    redis_server.start()
    deadline = time.monotonic() + 10
    while not (bus.health().ok and bus._listening.is_set()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    other = RedisBus(redis_server.url)
    other.publish(message("2"))
    assert reader.get(5.0) == message("2")
    other.close()
    bus.close()


def test_bytes_that_are_not_a_message_are_skipped(redis_server: Any) -> None:
    bus = RedisBus(redis_server.url)
    reader = bus.subscribe("acme", ["metrics"])
    bus._link.client.publish("aiobs:bus", b"junk")
    bus.publish(message("1"))
    assert reader.get(5.0) == message("1")
    bus.close()
