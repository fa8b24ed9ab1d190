// One tiny face -> 128x128, with ONNX Runtime alone, in Node (onnxruntime-node) and in a browser (onnxruntime-web).
// Apache-2.0, as all of faceprior.

export const LEAST = 8, MOST = 48;      // pixels a side that the models take best
export const LARGER_FROM = 24;          // from here on the model is standard-32.onnx, below it standard.onnx

/** Which of the two files is for a face of so many pixels a side. */
export const modelFor = side => side < LARGER_FROM ? 'standard.onnx' : 'standard-32.onnx';

/**
 * A face as pixels -> what the network makes of it.
 *
 * ort: the package; session: an InferenceSession of it, made of a model file; rgb: Uint8Array of side * side * 3, rows
 * from the top; quality: of the JPEG file that the face is from, if any, 1 to 100; noise: the photo's, in grey levels;
 * reduced: `side` over the pixels that the face has in the photo, 1 at most. onnxruntime-web takes what describes the
 * photo only with a file whose input `condition` may not be left out (docs/api.md).
 *
 * Returns {image: Uint8Array of 128 * 128 * 3, upright; heatmaps: Float32Array of 4 * 64 * 64 (eyes, nose, mouth, chin);
 * transform: Float32Array of 6, rows of 3: upright normalised coordinates -> those of `rgb`}.
 */
export async function restore(ort, session, rgb, side, {quality = 100, noise = 0, reduced = 1} = {}) {
  const given = {lr: new ort.Tensor('uint8', rgb, [1, side, side, 3])};
  const told = [(100 - quality) / 60, noise / 25].map(value => Math.min(1, Math.max(0, value)) * reduced);
  if (session.inputNames.includes('condition') || told.some(value => value > 0)) {
    given.condition = new ort.Tensor('float32', Float32Array.from(told), [1, 2]);
  }
  const found = await session.run(given);
  return {image: found.images.data, heatmaps: found.heatmaps.data, transform: found.transforms.data};
}

/** Uint8Array RGBA, as a canvas has it -> RGB. */
export function withoutAlpha(rgba) {
  const rgb = new Uint8Array(rgba.length / 4 * 3);
  for (let i = 0, j = 0; i < rgba.length; i += 4) { rgb[j++] = rgba[i]; rgb[j++] = rgba[i + 1]; rgb[j++] = rgba[i + 2]; }
  return rgb;
}

/** Uint8Array RGB -> Uint8ClampedArray RGBA, as `ImageData` takes it. */
export function withAlpha(rgb) {
  const rgba = new Uint8ClampedArray(rgb.length / 3 * 4).fill(255);
  for (let i = 0, j = 0; j < rgb.length; i += 4) { rgba[i] = rgb[j++]; rgba[i + 1] = rgb[j++]; rgba[i + 2] = rgb[j++]; }
  return rgba;
}
