// SPDX-License-Identifier: Apache-2.0
#include "routes.hpp"

namespace telemetry::web {
namespace {

constexpr std::string_view page = R"HTML(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>libtelemetry</title>
<link rel="stylesheet" href="page.css">
<script src="page.js" defer></script>
</head>
<body>
<header><h1>libtelemetry</h1><p id="state" role="status">Loading…</p></header>
<main>
<label for="filter">Topics</label>
<input id="filter" value="#" spellcheck="false" autocomplete="off" aria-describedby="filter-help">
<p id="filter-help">A topic filter: + stands for one level, # for all that follow.</p>
<p id="problem" role="alert" hidden></p>
<table>
<caption>Newest message of each topic</caption>
<thead><tr><th scope="col">Topic</th><th scope="col">Payload</th><th scope="col">Time</th></tr></thead>
<tbody id="rows"></tbody>
</table>
<p id="empty" hidden>No message yet. Devices publish to the broker, and what comes is shown here.</p>
</main>
<footer><a href="api/openapi.json">API description</a> · <a href="api/export?format=csv">Everything as CSV</a></footer>
</body>
</html>
)HTML";

constexpr std::string_view style =
    R"CSS(:root{color-scheme:light dark;--line:#8884;--dim:#767676;--accent:#0b6bcb}
@media (prefers-color-scheme:dark){:root{--dim:#9a9a9a;--accent:#6db3ff}}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:80rem;padding:1rem}
header{display:flex;flex-wrap:wrap;gap:0 1rem;align-items:baseline}
h1{font-size:1.4rem;margin:0}
#state,#filter-help,footer{color:var(--dim);margin:.25rem 0}
input{font:inherit;width:100%;max-width:30rem;padding:.4rem;box-sizing:border-box}
table{border-collapse:collapse;width:100%;margin-top:1rem}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line)}
td{overflow-wrap:anywhere}
td.payload{font-family:ui-monospace,monospace;font-size:.9rem}
td.time{white-space:nowrap;font-variant-numeric:tabular-nums}
a{color:var(--accent)}
#problem{color:#b00020}
@media (prefers-color-scheme:dark){#problem{color:#ff8a80}}
@media (max-width:40rem){td.time{white-space:normal}}
)CSS";

constexpr std::string_view script = R"JS('use strict';
const byId = (id) => document.getElementById(id);
const filter = byId('filter'), rows = byId('rows'), state = byId('state');
const problem = byId('problem'), empty = byId('empty');
const pause = 1000;
let timer = 0, asked = 0;

function cell(row, text, name) {
  const one = row.insertCell();
  one.textContent = text;
  one.className = name;
}

function show(page) {
  rows.replaceChildren();
  for (const record of page.data) {
    const row = rows.insertRow();
    cell(row, record.topic, 'topic');
    cell(row, JSON.stringify(record.payload), 'payload');
    cell(row, new Date(record.timestamp).toLocaleString(), 'time');
  }
  empty.hidden = page.data.length > 0;
  const more = page.next_cursor === null ? '' : ' (the first of them)';
  state.textContent = `${page.data.length} topics${more}, ${new Date().toLocaleTimeString()}`;
}

function complain(text) {
  problem.textContent = text;
  problem.hidden = text === '';
}

async function refresh() {
  clearTimeout(timer);
  const mine = ++asked;
  try {
    const topic = filter.value === '' ? '#' : filter.value;
    const answer = await fetch('api/data/latest?limit=500&topic=' + encodeURIComponent(topic));
    const body = await answer.json();
    if (mine !== asked) return;
    if (answer.ok) show(body);
    complain(answer.ok ? '' : body.detail);
  } catch {
    if (mine !== asked) return;
    state.textContent = 'The gateway does not answer; trying again';
  }
  timer = setTimeout(refresh, pause);
}

filter.addEventListener('input', refresh);
refresh();
)JS";

Response asset(std::string_view type, std::string_view text) {
  Response response;
  response.headers = {{"Content-Type", std::string(type)}, {"Cache-Control", "no-cache"}};
  response.body = text;
  return response;
}

}  // namespace

Answer get_page(Call&) { return asset("text/html; charset=utf-8", page); }
Answer get_page_style(Call&) { return asset("text/css; charset=utf-8", style); }
Answer get_page_script(Call&) { return asset("text/javascript; charset=utf-8", script); }

}  // namespace telemetry::web
