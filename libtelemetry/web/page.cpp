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
<h2>Newest message of each topic</h2>
<ul id="topics"></ul>
<p id="empty" hidden>No message yet. Devices publish to the broker, and what comes is shown here.</p>
</main>
<footer><a href="api/docs">API</a> · <a href="api/export?format=csv">Everything as CSV</a></footer>
</body>
</html>
)HTML";

constexpr std::string_view style =
    R"CSS(:root{color-scheme:light dark;--line:#8884;--dim:#767676;--accent:#0b6bcb}
@media (prefers-color-scheme:dark){:root{--dim:#9a9a9a;--accent:#6db3ff}}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:80rem;padding:1rem}
header{display:flex;flex-wrap:wrap;gap:0 1rem;align-items:baseline}
h1{font-size:1.4rem;margin:0}
h2{font-size:1rem;margin:1rem 0 .25rem}
#state,#filter-help,footer,.age,dt{color:var(--dim)}
#state,#filter-help,footer{margin:.25rem 0}
input{font:inherit;width:100%;max-width:30rem;padding:.4rem;box-sizing:border-box}
ul{list-style:none;margin:0;padding:0}
li{border-top:1px solid var(--line);padding:.4rem 0}
.head{display:flex;flex-wrap:wrap;gap:0 1rem;justify-content:space-between}
.topic{font-weight:600;overflow-wrap:anywhere}
.age{font-variant-numeric:tabular-nums}
dl{display:flex;flex-wrap:wrap;gap:.1rem 1.25rem;margin:0}
dl div{display:flex;gap:.4rem;min-width:0}
dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
a{color:var(--accent)}
#problem{color:#b00020}
@media (prefers-color-scheme:dark){#problem{color:#ff8a80}}
)CSS";

constexpr std::string_view script = R"JS('use strict';
const byId = (id) => document.getElementById(id);
const filter = byId('filter'), topics = byId('topics'), state = byId('state');
const problem = byId('problem'), empty = byId('empty');
const pause = 1000, values_max = 40, text_max = 120;
let timer = 0, asked = 0;

function make(name, text, kind) {
  const one = document.createElement(name);
  if (text !== undefined) one.textContent = text;
  if (kind) one.className = kind;
  return one;
}

function* values(name, value) {
  const inside = value !== null && typeof value === 'object' && !Array.isArray(value);
  if (!inside) yield [name || 'value', typeof value === 'string' ? value : JSON.stringify(value)];
  else for (const key of Object.keys(value)) yield* values(name ? `${name}.${key}` : key, value[key]);
}

function age(time) {
  const s = Math.max(0, Math.round((Date.now() - time) / 1000));
  if (s < 120) return `${s} s ago`;
  if (s < 7200) return `${Math.round(s / 60)} min ago`;
  return new Date(time).toLocaleString();
}

function item(record) {
  const one = make('li'), head = make('div', undefined, 'head'), list = make('dl');
  const time = make('time', age(Date.parse(record.timestamp)), 'age');
  time.dateTime = record.timestamp;
  time.title = record.timestamp;
  head.append(make('span', record.topic, 'topic'), time);
  let count = 0;
  for (const [name, value] of values('', record.payload)) {
    if (++count > values_max) break;
    const pair = make('div');
    const cut = value.length > text_max ? value.slice(0, text_max) + '\u2026' : value;
    pair.append(make('dt', name), make('dd', cut));
    list.append(pair);
  }
  one.append(head, list);
  return one;
}

function show(page) {
  topics.replaceChildren(...page.data.map(item));
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

}  // namespace

Response asset(std::string_view type, std::string_view text) {
  Response response;
  response.headers = {{"Content-Type", std::string(type)}, {"Cache-Control", "no-cache"}};
  response.body = text;
  return response;
}

Answer get_page(Call&) { return asset("text/html; charset=utf-8", page); }
Answer get_page_style(Call&) { return asset("text/css; charset=utf-8", style); }
Answer get_page_script(Call&) { return asset("text/javascript; charset=utf-8", script); }

}  // namespace telemetry::web
