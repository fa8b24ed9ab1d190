"""The JavaScript example agrees with the package on what it says itself; Node runs it where there is one."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from faceprior.photo.choice import LARGER_FROM
from faceprior.photo.own import LEAST, MOST

MODULE = Path(__file__).resolve().parents[2] / "examples" / "javascript" / "restore.mjs"


def test_its_numbers_are_the_packages():
    found = dict(re.findall(r"\b([A-Z_]+) = (\d+)", MODULE.read_text("utf-8")))
    assert {name: int(value) for name, value in found.items()} == {
        "LEAST": LEAST, "MOST": MOST, "LARGER_FROM": LARGER_FROM,
    }  # fmt: skip


def test_node_gives_the_session_what_it_takes():
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node")
    program = f"""
        import {{modelFor, restore, withAlpha, withoutAlpha}} from {MODULE.as_uri()!r};
        import assert from 'node:assert';
        const ort = {{Tensor: class {{ constructor(...given) {{ [this.type, this.data, this.dims] = given; }} }}}};
        const asked = [];
        const session = {{
            inputNames: ['lr'],
            run: async given => {{
                asked.push(given);
                return {{images: {{data: 1}}, heatmaps: {{data: 2}}, transforms: {{data: 3}}}};
            }},
        }};
        const rgb = new Uint8Array(12);
        assert.deepEqual(await restore(ort, session, rgb, 2), {{image: 1, heatmaps: 2, transform: 3}});
        assert.deepEqual(asked[0].lr.dims, [1, 2, 2, 3]);
        assert.equal(asked[0].condition, undefined);  // clean: what may be left out is
        await restore(ort, session, rgb, 2, {{quality: 70, noise: 5, reduced: 0.5}});
        assert.deepEqual([...asked[1].condition.data], [0.25, Math.fround(0.1)]);
        await restore(ort, {{...session, inputNames: ['lr', 'condition']}}, rgb, 2);
        assert.deepEqual([...asked[2].condition.data], [0, 0]);
        assert.deepEqual([...withoutAlpha(Uint8Array.of(1, 2, 3, 255, 4, 5, 6, 255))], [1, 2, 3, 4, 5, 6]);
        assert.deepEqual([...withAlpha(Uint8Array.of(1, 2, 3, 4, 5, 6))], [1, 2, 3, 255, 4, 5, 6, 255]);
        assert.equal(modelFor(23), 'standard.onnx');
        assert.equal(modelFor(24), 'standard-32.onnx');
    """
    done = subprocess.run([node, "--input-type=module", "-e", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
