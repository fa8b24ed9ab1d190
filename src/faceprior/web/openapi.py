"""The description of the HTTP address (OpenAPI 3.1), made from the table that the parser uses, and a page of it."""

import html
from typing import Any

from .._version import __version__
from .limits import Limits
from .wanted import FIELDS

ERRORS = {
    "400": "A wrong option, an empty upload, a form without a file.",
    "403": "A page of another site, or a name of this server that is not allowed.",
    "405": "Not POST.",
    "408": "The upload took too long.",
    "413": "Too many bytes or pixels.",
    "415": "Not a picture, or a damaged one.",
    "503": "Too many photos are waiting; Retry-After says when to come back.",
    "504": "Not done in time.",
}


def description(limits: Limits, root: str = "") -> dict[str, Any]:
    """root: the sub-path of a proxy in front, or nothing."""
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    options = [
        {"name": name, "in": "query", "required": False, "description": field.about, "schema": field.schema}
        for name, field in FIELDS.items()
    ]
    binary = {"type": "string", "format": "binary"}
    form = {name: {**field.schema, "description": field.about} for name, field in FIELDS.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "faceprior",
            "version": __version__,
            "summary": "Restores the tiny faces of a photo.",
            "description": "Plausible, not evidence: what is added to a face may be invented. Never use a result to "
            "recognise, accuse or look for anybody.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": root or "/"}],
        "paths": {
            "/upscale": {
                "post": {
                    "operationId": "upscale",
                    "summary": "Restore the faces of a photo",
                    "description": f"The photo: at most {limits.max_upload} bytes and {limits.max_pixels} pixels. "
                    "Options in the address, or in the form; the form's go first.",
                    "parameters": options,
                    "requestBody": {
                        "required": True,
                        "content": {
                            "multipart/form-data": {
                                "schema": {
                                    "type": "object",
                                    "required": ["photo"],
                                    "properties": {"photo": binary, **form},
                                }
                            },
                            "application/octet-stream": {"schema": binary},
                            "image/*": {"schema": binary},
                        },
                    },
                    "responses": {
                        "200": {
                            "description": "As `answer` says: a zip of the command's files, the photo, or JSON.",
                            "content": {
                                "application/zip": {"schema": binary},
                                "image/jpeg": {"schema": binary},
                                "image/png": {"schema": binary},
                                "application/json": {"schema": {"type": "object"}},
                            },
                        },
                        **{status: {"description": text, **error} for status, text in ERRORS.items()},
                    },
                }
            },
            "/health": {
                "get": {
                    "operationId": "health",
                    "summary": "The model, and how many photos are inside",
                    "responses": {
                        "200": {
                            "description": "It answers.",
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}},
                        }
                    },
                }
            },
        },
        "components": {
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string", "description": "One line."}},
                },
                "Health": {
                    "type": "object",
                    "required": ["status", "photos", "places", "faceprior", "model"],
                    "properties": {
                        "status": {"const": "ok"},
                        "photos": {"type": "integer", "description": "At work and waiting."},
                        "places": {"type": "integer", "description": "How many may be."},
                        "faceprior": {"type": "string"},
                        "model": {"type": "object"},
                    },
                },
            }
        },
    }


STYLE = """
body {font: 16px/1.5 system-ui, sans-serif; max-width: 820px; margin: 0 auto; padding: 24px 16px; color: #1c1e21;
  background: #fff}
h1 {font-size: 1.6em} h2 {font-size: 1.2em; margin-top: 2em}
table {border-collapse: collapse; width: 100%}
td, th {border-bottom: 1px solid #ddd; padding: 6px 8px; text-align: left; vertical-align: top}
pre, form {background: #f3f4f6; padding: 12px; overflow-x: auto; border-radius: 6px}
code {font: 14px ui-monospace, monospace}
label {display: inline-block; margin: 4px 16px 4px 0}
button {font: inherit; padding: 6px 18px}
.scroll {overflow-x: auto}
@media (prefers-color-scheme: dark) {
  body {background: #17181b; color: #e8e8ea} pre, form {background: #24262b} td, th {border-color: #3a3c42}
  a {color: #8ab4ff}
}"""


def page(limits: Limits, address: str) -> str:
    """HTML without scripts. address: of this server, as the client knows it, for the examples."""
    said = description(limits)
    rows = "".join(
        f"<tr><td><code>{name}</code></td><td>{html.escape(_values(field.schema))}</td>"
        f"<td>{html.escape(field.about)}</td></tr>"
        for name, field in FIELDS.items()
    )
    errors = "".join(f"<tr><td>{status}</td><td>{html.escape(text)}</td></tr>" for status, text in ERRORS.items())
    base = html.escape(address.rstrip("/"), quote=True)
    upscale = said["paths"]["/upscale"]["post"]
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>faceprior: HTTP</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>
<h1>faceprior over HTTP</h1>
<p>{html.escape(said["info"]["summary"])} {html.escape(said["info"]["description"])}</p>
<p><a href="{base}/openapi.json">openapi.json</a> is the same for programs (OpenAPI 3.1). <a href="{base}/">The page</a>
is for people.</p>
<h2>POST /upscale</h2>
<p>{html.escape(upscale["description"])}</p>
<pre><code>curl --fail-with-body -F photo=@party.jpg -F scale=4 {base}/upscale -o party.zip
curl --fail-with-body --data-binary @party.jpg '{base}/upscale?scale=4' -o party.zip</code></pre>
<pre><code>import requests

with open("party.jpg", "rb") as photo:
    answer = requests.post("{base}/upscale", files={{"photo": photo}}, data={{"scale": 4, "answer": "json"}})
answer.raise_for_status()
print(answer.json()["faces"])</code></pre>
<div class="scroll"><table><tr><th>option</th><th>values</th><th></th></tr>{rows}</table></div>
<h2>Try it</h2>
<form action="{base}/upscale" method="post" enctype="multipart/form-data">
<label>Photo <input type="file" name="photo" accept="image/*" required></label>
<label>scale <input type="number" name="scale" min="1" max="8" step="any" value="4"></label>
<label>answer <select name="answer"><option>photo</option><option>json</option><option>zip</option></select></label>
<label><input type="checkbox" name="consistent"> consistent</label>
<label><input type="checkbox" name="any_turn"> any_turn</label>
<label><input type="checkbox" name="cropped"> cropped</label>
<button>Send</button></form>
<h2>Errors</h2>
<p>The body is <code>{{"error": "one line"}}</code>.</p>
<div class="scroll"><table><tr><th>status</th><th></th></tr>{errors}</table></div>
<h2>GET /health</h2>
<pre><code>curl {base}/health</code></pre>
</body></html>"""


def _values(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        words = ", ".join(schema["enum"])
    elif schema["type"] == "boolean":
        words = "true, false"
    elif "minimum" in schema:
        words = f"{schema['minimum']} to {schema['maximum']}" if "maximum" in schema else f"{schema['minimum']} or more"
    else:
        words = f"as {schema['example']}"
    return words + (f"; {str(schema['default']).lower()}" if "default" in schema else "")
