// SPDX-License-Identifier: Apache-2.0
// What /api/openapi.json says, for people, with a form to try each read. No tool of others: theirs
// weigh a megabyte and more.
#include "routes.hpp"

namespace telemetry::web {
namespace {

constexpr std::string_view docs_html = R"HTML(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API of libtelemetry</title>
<link rel="stylesheet" href="docs.css">
<script src="docs.js" defer></script>
</head>
<body>
<header><h1>API</h1><p id="about" role="status">Loading…</p></header>
<nav id="list" aria-label="Operations"></nav>
<main id="operations"></main>
<footer><a href="openapi.json">OpenAPI 3.1</a> · <a href="../">Dashboard</a></footer>
</body>
</html>
)HTML";

constexpr std::string_view docs_css =
    R"CSS(:root{color-scheme:light dark;--line:#8884;--dim:#767676;--accent:#0b6bcb}
@media (prefers-color-scheme:dark){:root{--dim:#9a9a9a;--accent:#6db3ff}}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:1rem}
h1{font-size:1.4rem;margin:0}
h2{font-size:1rem;margin:0;overflow-wrap:anywhere}
code,pre,h2,nav{font-family:ui-monospace,monospace}
nav{columns:20rem;font-size:.9rem}
nav a{display:block;overflow-wrap:anywhere}
section{border-top:1px solid var(--line);padding:1rem 0}
p{margin:.25rem 0}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0}
th{color:var(--dim);font-weight:400}
input{font:inherit;width:100%;min-width:10rem;box-sizing:border-box}
button{font:inherit;margin:.5rem 0;padding:.2rem 1rem}
pre{overflow:auto;max-height:24rem;background:#8882;padding:.6rem;margin:.25rem 0}
a{color:var(--accent)}
#about,footer,.dim{color:var(--dim)}
@media (max-width:40rem){
 td,th{display:block;padding:0}
 thead{display:none}
 tr{display:block;padding:.4rem 0}
}
)CSS";

constexpr std::string_view docs_js = R"JS('use strict';
const shown_max = 20000;
const byId = (id) => document.getElementById(id);
let parts = {};

function make(name, text, kind) {
  const one = document.createElement(name);
  if (text !== undefined) one.textContent = text;
  if (kind) one.className = kind;
  return one;
}

function resolve(what) {
  const path = what && what.$ref ? what.$ref.split('/').slice(2) : null;
  return path ? path.reduce((at, name) => at && at[name], parts) || {} : what || {};
}

function kind(schema) {
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.enum) return schema.enum.join(' | ');
  if (schema.type === 'array') return `${kind(resolve(schema.items))}, may be repeated`;
  const range = schema.maximum !== undefined ? ` ${schema.minimum ?? ''}…${schema.maximum}` : '';
  return [].concat(schema.type || 'any').join(' or ') + range;
}

function row(parameter, inputs) {
  const one = make('tr'), schema = resolve(parameter.schema), cell = make('td');
  const input = make('input');
  input.setAttribute('aria-label', parameter.name);
  input.placeholder = String(parameter.example ?? schema.default ?? '');
  inputs.push([parameter, input]);
  cell.append(input);
  const name = make('td');
  name.append(make('code', parameter.name));
  if (parameter.required) name.append(make('span', ' required', 'dim'));
  const about = make('td', parameter.description || '');
  about.append(make('div', kind(schema), 'dim'));
  one.append(name, about, cell);
  return one;
}

async function ask(path, inputs, out) {
  const query = new URLSearchParams();
  for (const [parameter, input] of inputs) {
    if (input.value === '') continue;
    if (parameter.in === 'path') {
      path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    } else {
      query.append(parameter.name, input.value);
    }
  }
  const text = query.toString().replaceAll('+', '%20');
  const url = '..' + path + (text === '' ? '' : '?' + text);
  out.hidden = false;
  out.textContent = 'Asking…';
  try {
    const answer = await fetch(url);
    const body = await answer.text();
    const rest = body.length > shown_max ? `\n… ${body.length - shown_max} more characters` : '';
    const head = `GET ${new URL(url, location)}\n${answer.status} ${answer.statusText}`;
    out.textContent = `${head}\n\n${body.slice(0, shown_max)}${rest}`;
  } catch (error) {
    out.textContent = `The gateway does not answer: ${error.message}`;
  }
}

function section(path, method, operation) {
  const one = make('section'), inputs = [];
  one.id = operation.operationId;
  one.append(make('h2', `${method.toUpperCase()} ${path}`), make('p', operation.summary));
  const parameters = (operation.parameters || []).map(resolve);
  if (parameters.length > 0) {
    const table = make('table'), head = make('thead'), titles = make('tr'), rows = make('tbody');
    titles.append(make('th', 'Parameter'), make('th', 'Meaning'), make('th', 'Value'));
    head.append(titles);
    rows.append(...parameters.map((parameter) => row(parameter, inputs)));
    table.append(head, rows);
    one.append(table);
  }
  const body = operation.requestBody;
  if (body) one.append(make('p', 'Body: ' + (body.description || '')));
  const done = resolve(operation.responses['200'] || operation.responses['204']);
  const types = Object.entries(done.content || {});
  const answers = types.map(([type, what]) => `${type} (${kind(what.schema || {})})`).join(', ');
  if (answers !== '') one.append(make('p', 'Answer: ' + answers, 'dim'));
  const streams = types.some(([type]) => type === 'text/event-stream');
  if (method === 'get' && !streams) {
    const button = make('button', 'Try'), out = make('pre');
    out.hidden = true;
    button.addEventListener('click', () => ask(path, inputs, out));
    one.append(button, out);
  }
  return one;
}

async function load() {
  const answer = await fetch('openapi.json');
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.detail);
  parts = document.components;
  const info = document.info;
  byId('about').textContent = `${info.title} ${info.version}. ${info.description}`;
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const link = make('a', `${method.toUpperCase()} ${path}`);
      link.href = '#' + operation.operationId;
      byId('list').append(link);
      byId('operations').append(section(path, method, operation));
    }
  }
}

load().catch((error) => {
  byId('about').textContent = `The description did not come: ${error.message}`;
});
)JS";

}  // namespace

Answer get_docs(Call&) { return asset("text/html; charset=utf-8", docs_html); }
Answer get_docs_style(Call&) { return asset("text/css; charset=utf-8", docs_css); }
Answer get_docs_script(Call&) { return asset("text/javascript; charset=utf-8", docs_js); }

}  // namespace telemetry::web
