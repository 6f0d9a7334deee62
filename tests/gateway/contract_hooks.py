# SPDX-License-Identifier: Apache-2.0
"""What contract.py tells schemathesis of this gateway, and what it is told. Read by schemathesis alone.

A text with a grammar of its own is but a string to OpenAPI: a generated one is refused, as it should be. So that
answers of 2xx are looked at too, generated texts are replaced by ones that mean something here: all of them, or
two of three where wrong ones are wanted too.
"""

import json
import os
import zlib

import schemathesis

KNOWN = json.loads(os.environ["CONTRACT_KNOWN"])  # {parameter: [text that means something]}
CREDENTIALS = KNOWN.pop("credentials")
KEPT = KNOWN.pop("kept")  # names of users, keys and boards
WRONG_TOO = os.environ["CONTRACT_WRONG_TOO"] == "1"


def chosen(name, given):
    """The given one or a known one: the same whenever the same is given."""
    place = zlib.crc32(str(given).encode("utf-8", "replace"))
    known = KNOWN.get(name)
    return known[place // 3 % len(known)] if known and (place % 3 or not WRONG_TOO) else given


def all_chosen(values):
    for name, given in values.items():
        if isinstance(given, list):
            values[name] = [chosen(name, one) for one in given]
        else:
            values[name] = chosen(name, given)
    return values


@schemathesis.hook
def map_query(context, query):
    if not isinstance(query, dict):
        return query
    if context.operation.label == "GET /api/schemas/which":  # a topic, no filter
        return {**query, "topic": chosen("one_topic", query.get("topic", ""))}
    query = all_chosen(query)
    if not WRONG_TOO:  # groups and rows have parameters of their own
        others = ["fields", "offset", "cursor"] if query.get("agg") else ["interval", "by"]
        others += [] if query.get("agg") and query.get("interval") else ["fill"]
        for name in others:
            query.pop(name, None)
    return query


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    return all_chosen(path_parameters) if isinstance(path_parameters, dict) else path_parameters


@schemathesis.hook
def map_body(context, body):
    """Wrong passwords would make all others wait: tests/web/access_test.cpp has those."""
    is_sign_in = context.operation.label == "POST /api/session"
    if is_sign_in and isinstance(body, dict) and {"name", "password"} <= body.keys():
        texts = isinstance(body["name"], str) and isinstance(body["password"], str)
        return CREDENTIALS if texts else body
    return body


@schemathesis.hook
def before_call(context, case, kwargs):
    """It finds out names from answers. Who asks, and what the others ask for, is to stay."""
    if case.method in ("PUT", "PATCH", "DELETE") and case.path_parameters.get("name") in KEPT:
        case.path_parameters["name"] = "other"


@schemathesis.hook
def after_call(context, case, response):
    with open(os.environ["CONTRACT_CALLS"], "a", encoding="utf-8") as calls:
        calls.write(f"{case.operation.label}\t{response.status_code}\n")
