"""The style of the page `/docs`, light and dark."""

from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --ink: #1c2330; --soft: #5b6577; --line: #dfe3ea; --paper: #fff; --wash: #f6f7f9;
  --get: #1c6e4a; --post: #1f5fa8; --put: #8a5a00; --patch: #6b3fa0; --delete: #a8322a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e8ef; --soft: #9aa5b8; --line: #2c3442; --paper: #12161d; --wash: #1a202a;
    --get: #6fd3a5; --post: #82b7f5; --put: #e0b25c; --patch: #c3a0ef; --delete: #f2928b;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
a { color: var(--post); }
code, .method, .path { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .9em; }
p { margin: .4rem 0; max-width: 46rem; }
h1 { margin: 0; font-size: 1.9rem; letter-spacing: -.02em; }
h1 small { font-size: .9rem; color: var(--soft); font-weight: 400; letter-spacing: 0; }
h2 { margin: 2.6rem 0 .6rem; font-size: 1.15rem; }
h4 { margin: 1.1rem 0 .3rem; font-size: .78rem; text-transform: uppercase; letter-spacing: .06em; color: var(--soft); }
.frame { display: grid; grid-template-columns: 13rem minmax(0, 1fr); max-width: 76rem; margin: 0 auto; }
main { padding: 2.2rem 1.5rem 6rem; min-width: 0; }
nav {
  position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto;
  padding: 2.5rem 1rem 2rem 1.5rem; font-size: 14px;
}
nav a { display: block; padding: .2rem 0; color: var(--soft); text-decoration: none; }
nav a:hover { color: var(--ink); }
details { border: 1px solid var(--line); border-radius: 8px; margin: .45rem 0; background: var(--wash); }
details:target { border-color: var(--post); }
details:target::details-content { content-visibility: visible; }
details[open] > summary, details:target > summary { border-bottom: 1px solid var(--line); }
summary {
  display: flex; flex-wrap: wrap; gap: .1rem .8rem; align-items: baseline;
  padding: .55rem .9rem; cursor: pointer; list-style: none;
}
summary::-webkit-details-marker { display: none; }
summary .say { color: var(--soft); margin-left: auto; text-align: right; }
.inside { padding: .2rem .9rem 1rem; overflow-x: auto; }
.method { font-weight: 700; min-width: 4.4em; }
.get { color: var(--get); }
.post { color: var(--post); }
.put { color: var(--put); }
.patch { color: var(--patch); }
.delete, .must { color: var(--delete); }
.path { overflow-wrap: anywhere; }
.path i { font-style: normal; color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); }
td:first-child { white-space: nowrap; width: 28%; }
td:nth-child(2):not(:last-child) { width: 36%; }
h4 code { text-transform: none; letter-spacing: 0; }
@media (max-width: 50rem) {
  .frame { display: block; }
  summary .say { flex-basis: 100%; margin-left: 0; text-align: left; }
  nav { position: static; max-height: none; padding-bottom: 0; columns: 2; }
}
"""
