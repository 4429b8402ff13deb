"""The servers that tests ask for really answer, and speak to Celery's client."""

import pytest
from kombu.connection import Connection

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.mark.parametrize("name", ["redis_server", "rabbitmq_server"])
def test_a_message_goes_through(name, request):
    with Connection(request.getfixturevalue(name)) as connection:
        queue = connection.SimpleQueue("greetings")
        queue.put("hello")
        message = queue.get(timeout=5)
        message.ack()
        queue.close()
    assert message.payload == "hello"
