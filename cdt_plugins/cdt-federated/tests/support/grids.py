"""A grid whose nodes are ClientApps in this process: Flower's own messages and records, no network."""

from __future__ import annotations

import flwr.app
from flwr.app import Context, Error, Message, RecordDict
from flwr.serverapp import Grid
from flwr.supercore.task_identity import TaskIdentity


class LocalGrid(Grid):
    """Each app is a node; ``spoil(reply)`` may change what comes back; ``silent`` ones are connected and say nothing."""

    def __init__(self, apps, spoil=lambda reply: [reply]):
        TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 1, 1
        self.apps = {100 + at: app for at, app in enumerate(apps)}
        self.contexts = {
            node: Context(
                run_id=1, node_id=node, node_config={"site": f"site-{node - 100}"}, state=RecordDict(), run_config={}
            )
            for node in self.apps
        }
        self.spoil = spoil
        self.sent, self.replies, self.silent = [], [], set()

    def set_run(self, run):
        raise NotImplementedError

    @property
    def run(self):
        raise NotImplementedError

    def create_message(self, content, message_type, dst_node_id, group_id, ttl=None):
        raise NotImplementedError

    def push_messages(self, messages):
        """Each is answered at once, and what comes back waits to be pulled."""
        numbers = []
        for message in messages:
            node = message.metadata.dst_node_id
            message.metadata.__dict__["_message_id"] = f"m{len(self.sent)}"  # as the SuperLink numbers them
            self.sent.append(message)
            numbers.append(message.metadata.message_id)
            if node in self.silent:
                continue
            try:
                reply = self.apps[node](message, self.contexts[node])
            except Exception as error:
                reply = Message(Error(code=0, reason=str(error)), reply_to=message)
            self.replies += self.spoil(reply)
        return numbers

    def pull_messages(self, message_ids):
        pulled = [reply for reply in self.replies if reply.metadata.reply_to_message_id in message_ids]
        self.replies = [reply for reply in self.replies if reply not in pulled]
        return pulled

    def get_node_ids(self):
        return list(self.apps)

    def send_and_receive(self, messages, *, timeout=None):
        return self.pull_messages(self.push_messages(messages))


def model(reply):
    """The arrays of a reply."""
    return reply.content.array_records["arrays"]


def arrays(**values):
    return flwr.app.ArrayRecord({name: flwr.app.Array(value) for name, value in values.items()})
