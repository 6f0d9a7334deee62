# SPDX-License-Identifier: Apache-2.0
"""The gateway's two reads as a Python programmer would write them: FastAPI on uvicorn (uvloop, httptools),
sqlite3 on the gateway's own database, read-only, orjson for the answers.

The queries take microseconds, so they run in the event loop: a thread for each would cost more.
DATABASE and TABLE come from the environment; sqlite3 keeps prepared statements by their text.
"""
import os
import sqlite3
from datetime import datetime, timezone

import orjson
from fastapi import FastAPI, Query, Response

TABLE = os.environ["TABLE"]
COLUMNS = (
    "SELECT m.id, t.topic, t.device, m.time, m.delay, m.flags, m.temperature, m.humidity, m.sensor_id, m.seq FROM "
)
LATEST = (
    COLUMNS + f'topics t JOIN latest l ON l.topic_id = t.id JOIN "{TABLE}" m ON m.id = l.id WHERE t.topic = ?'
)
NEWEST = COLUMNS + f'"{TABLE}" m JOIN topics t ON t.id = m.topic_id ORDER BY m.id DESC LIMIT ?'

app = FastAPI(openapi_url=None)
database = sqlite3.connect(f"file:{os.environ['DATABASE']}?mode=ro", uri=True, check_same_thread=False)


def rfc3339(ns):
    seconds, fraction = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def record(row):
    number, topic, device, time, delay, flags, temperature, humidity, sensor, sequence = row
    timestamp = rfc3339(time)
    return {
        "topic": topic,
        "payload": {
            "temperature": temperature,
            "humidity": humidity,
            "sensor_id": sensor,
            "timestamp": timestamp,
            "seq": sequence,
        },
        "timestamp": timestamp,
        "received_at": rfc3339(time + delay),
        "id": number,
        "device": device,
        "schema": "temperature_sensor",
        "retained": bool(flags & 4),
    }


def answer(rows):
    body = orjson.dumps({"data": [record(row) for row in rows], "next_cursor": None})
    return Response(body, media_type="application/json")


@app.get("/latest")
async def latest(topic: str):
    return answer(database.execute(LATEST, (topic,)))


@app.get("/data")
async def data(limit: int = Query(100, ge=1, le=10_000)):
    return answer(database.execute(NEWEST, (limit,)))
