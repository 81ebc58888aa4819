/** The health of a layer for one picture: dead maps, saturated values, and those that are no numbers. */

// Functions that level off, with the lowest and the highest value.
const BOUNDS = { sigmoid: [0, 1], tanh: [-1, 1], scaledtanh: [-1.7159, 1.7159] };
const NEAR = 0.01; // of their distance: values so near to one of them are saturated

/** {channels, dead, not_finite, saturated}; the last is a share, null for functions that do not level off. */
export function healthOf({ shape: [channels], attributes, type }, values) {
  const bounds = BOUNDS[String(attributes?.function).toLowerCase()] ?? BOUNDS[type.toLowerCase()];
  const size = values.length / channels;
  const [low, high] = bounds ?? [0, 0];
  const near = NEAR * (high - low);
  let [dead, bad, saturated] = [0, 0, 0];
  for (let channel = 0; channel < channels; channel += 1) {
    let isDead = true;
    for (let i = channel * size; i < (channel + 1) * size; i += 1) {
      const value = values[i];
      if (value !== 0) isDead = false;
      if (!Number.isFinite(value)) bad += 1;
      if (value < low + near || value > high - near) saturated += 1;
    }
    if (isDead) dead += 1;
  }
  return { channels, dead, not_finite: bad, saturated: bounds ? saturated / values.length : null };
}
