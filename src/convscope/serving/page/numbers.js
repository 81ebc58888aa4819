/** How numbers look: a real minus sign, and as many decimals as the largest of them needs. */

/** Decimals that show four significant digits of the largest of `values`, between 2 and 9. */
export function decimalsFor(values) {
  const largest = values.reduce((most, v) => Math.max(most, Math.abs(v ?? 0)), 0);
  if (!largest) return 4;
  return Math.min(Math.max(4 - Math.ceil(Math.log10(largest)), 2), 9);
}

/** A number with so many decimals; never "-0.00". */
export function fixed(value, decimals = 4) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "–";
  const text = value.toFixed(decimals);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** The same with its sign in front, for terms of a sum. */
export const signed = (value, decimals) => (value < 0 ? "" : "+") + fixed(value, decimals);

/** About three digits, for places with little room. */
export function short(value) {
  const size = Math.abs(value);
  if (size && (size < 0.001 || size >= 10000)) return value.toExponential(1).replace("-", "−");
  return fixed(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** For the small cells of a patch: at most four characters. */
export function cell(value) {
  const size = Math.abs(value);
  if (size >= 1000 || (size && size < 0.005)) return size < 0.005 ? "≈0" : value.toExponential(0).replace("-", "−");
  return fixed(value, size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** 0..1 -> per cent; no chance reads 100.0 or 0.0, for softmax leaves something to each class. */
export function percent(share) {
  const value = share * 100;
  if (value > 99.95) return "> 99.9";
  return value < 0.05 ? "< 0.1" : value.toFixed(1);
}

/** Milliseconds. */
export const milliseconds = (ms) => (ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2));

/** Seconds: small networks learn in less than one. */
export const inSeconds = (s) => (s >= 10 ? s.toFixed(0) : s >= 0.05 || s === 0 ? s.toFixed(1) : "< 0.1");

/** The largest absolute value; 0 of none. */
export const strongest = (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** The value of a quantised map at pixel i. */
export const valueAt = ({ data, low, high }, i) => low + (data[i] / 255) * (high - low);
