"""An application beside the gateway: it sends each message back to whom it came from. Put your own work in the place of `answer`.

Python 3.11 or newer:
    pip install grpcio grpcio-tools
    KEYTURN_HUB=unix:/run/keyturn/hub.sock python echo.py path/to/proto
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import grpc

ours = Path(__file__).resolve().parents[2] / "proto"
sys.path.append(sys.argv[1] if len(sys.argv) > 1 else str(ours))
hub, services = grpc.protos_and_services("keyturn/sessions/v1/hub.proto")
address = os.environ.get("KEYTURN_HUB", "unix:/run/keyturn/hub.sock")
pause = 1


async def answer(message, claims, send):
    """What this application is for. `claims` are those of the peer's token: look into them for what it may do."""
    print(claims["sub"], message.peer.instance_id, "says", message.payload.decode(), flush=True)
    # The same message again has the same answer, with the same id: the peer gets it once
    await send(message.peer, f"echo {message.lineage} {message.seq}", message.payload)


async def attach():
    """Returns when the hub has ended it."""
    global pause
    out, answers, work = asyncio.Queue(), {}, {}

    async def frames():
        while True:
            yield hub.ApplicationFrame(**await out.get())

    async def send(peer, message_id, payload):
        """What becomes of it: delivered, gone or refused."""
        while True:
            heard = answers[key_of(peer, message_id)] = asyncio.get_running_loop().create_future()
            out.put_nowait({"send": hub.Send(peer=peer, id=message_id, payload=payload)})
            if (outcome := await heard) != "full":
                return outcome
            await asyncio.sleep(1)

    async def handle(message, before):
        """A peer's messages one after the other, each taken when it is done: killed before that, the application gets it again."""
        if before:
            await before
        await answer(message, json.loads(message.claims_json), send)
        out.put_nowait({"taken": hub.Taken(peer=message.peer, lineage=message.lineage, seq=message.seq)})
        if work.get(key_of(message.peer)) is asyncio.current_task():
            del work[key_of(message.peer)]

    async with asyncio.TaskGroup() as tasks, grpc.aio.insecure_channel(address) as channel:
        async for frame in services.HubStub(channel).Attach(frames()):
            match frame.WhichOneof("frame"):
                case "ready":
                    pause = 1
                    print("attached", flush=True)
                case "opened":
                    print(frame.opened.peer.instance_id, "is there", flush=True)
                case "closed":
                    print(frame.closed.peer.instance_id, "is gone", frame.closed.code, flush=True)
                case "delivery":
                    key = key_of(frame.delivery.peer)
                    work[key] = tasks.create_task(handle(frame.delivery, work.get(key)))
                case "sent":
                    heard = answers.pop(key_of(frame.sent.peer, frame.sent.id), None)
                    if heard:
                        heard.set_result(frame.sent.outcome)


def key_of(peer, message_id=""):
    return peer.subject, peer.instance_id, message_id


async def main():
    global pause
    while True:
        try:
            await attach()
        except* grpc.aio.AioRpcError as ended:
            error = ended.exceptions[0]
            print("not attached:", error.details(), flush=True)
            # Another application has taken over, or this one breaks the protocol
            if dict(error.trailing_metadata() or ()).get("keyturn-retry") == "false":
                sys.exit(1)
        await asyncio.sleep(pause)
        pause = min(2 * pause, 30)


asyncio.run(main())
