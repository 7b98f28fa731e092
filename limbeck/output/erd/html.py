"""A diagram as one HTML page: search, zoom, and no request to anywhere."""

from __future__ import annotations

from html import escape
from typing import Final

from limbeck.output.erd.svg import svg
from limbeck.plurals import counted
from limbeck.schema.diagram import Diagram
from limbeck.visible import visible

# Buttons and the search box are reached by keyboard; the picture scrolls as any page does.
PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; font: 15px system-ui, sans-serif; }}
header {{ position: sticky; top: 0; left: 0; display: flex; flex-wrap: wrap; gap: .6rem 1rem;
  align-items: center; padding: .6rem 1rem; background: Canvas;
  border-bottom: 1px solid GrayText; }}
h1 {{ font-size: 1rem; margin: 0; }}
main {{ overflow: auto; }}
.box.dim, .link.dim {{ opacity: .15; }}
</style>
</head>
<body>
<header>
<h1>{title}</h1>
<span>{summary}</span>
<label>Search <input type="search" id="search"></label>
<span role="group" aria-label="Zoom"><button type="button" id="out">Smaller</button>
<button type="button" id="whole">Whole</button>
<button type="button" id="in">Larger</button></span>
<output id="hits" aria-live="polite"></output>
</header>
<main tabindex="0" aria-label="Diagram">
{svg}
</main>
<script>
const picture = document.querySelector("svg.erd");
const width = picture.viewBox.baseVal.width, height = picture.viewBox.baseVal.height;
let scale = 1;
function zoom(to) {{
  scale = Math.min(4, Math.max(0.05, to));
  picture.setAttribute("width", width * scale);
  picture.setAttribute("height", height * scale);
}}
document.getElementById("in").onclick = () => zoom(scale * 1.25);
document.getElementById("out").onclick = () => zoom(scale / 1.25);
document.getElementById("whole").onclick = () => zoom(Math.min(1, innerWidth / width));
document.getElementById("search").oninput = event => {{
  const text = event.target.value.trim().toLowerCase();
  let first = null, hits = 0;
  for (const box of document.querySelectorAll(".box")) {{
    const hit = !text || box.textContent.toLowerCase().includes(text);
    box.classList.toggle("dim", !hit);
    if (text && hit) {{ hits += 1; first ??= box; }}
  }}
  for (const link of document.querySelectorAll(".link")) link.classList.toggle("dim", !!text);
  document.getElementById("hits").textContent = text ? hits + " found" : "";
  if (first) first.scrollIntoView({{ block: "center", inline: "center" }});
}};
</script>
</body>
</html>"""


def html(diagram: Diagram, title: str) -> str:
    """Return the diagram as a page."""
    relations = counted(len(diagram.links), "relation")
    return PAGE.format(
        title=escape(visible(title)),
        summary=f"{counted(len(diagram.boxes), 'table')}, {relations}",
        svg=svg(diagram),
    )
