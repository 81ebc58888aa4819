/**
 * Unpacks a page that is one file, and starts it. Its parts are texts in script elements that the browser does not run:
 * 13 bits in every two of 91 characters, of deflated bytes. Of numbers of several bytes, all first bytes come first.
 */
(() => {
  const BASE = 91;
  const SPECIAL = [34, 60, 92]; // of the printable characters those that are left out: ", < and \
  const digitOf = new Uint8Array(128);
  for (let code = 33, digit = 0; digit < BASE; code += 1) {
    if (!SPECIAL.includes(code)) digitOf[code] = digit++;
  }

  function bytesOf(text, size) {
    const bytes = new Uint8Array(size);
    let [bits, held, at] = [0, 0, 0];
    for (let i = 0; i + 1 < text.length && at < size; i += 2) {
      bits |= (digitOf[text.charCodeAt(i)] * BASE + digitOf[text.charCodeAt(i + 1)]) << held;
      for (held += 13; held >= 8 && at < size; held -= 8) {
        bytes[at++] = bits & 255;
        bits >>>= 8;
      }
    }
    return bytes;
  }

  /** The numbers of `width` bytes whose first bytes come first, then their second bytes ... */
  function joined(apart, width) {
    const numbers = new Uint8Array(apart.length);
    let from = 0;
    for (let first = 0; first < width; first += 1) {
      for (let at = first; at < numbers.length; at += width) numbers[at] = apart[from++];
    }
    return numbers;
  }

  /** The bytes of a part, as a Uint8Array. */
  async function unpack(name) {
    const part = document.querySelector(`script[data-part="${name}"]`);
    const packed = new Blob([bytesOf(part.textContent, Number(part.dataset.size))]);
    const inflated = packed.stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(inflated).arrayBuffer());
    return part.dataset.width ? joined(bytes, Number(part.dataset.width)) : bytes;
  }

  async function start() {
    const program = new TextDecoder().decode(await unpack("program"));
    const script = document.createElement("script");
    self.convscope = { unpack, program };
    script.textContent = `${program}\n$start("file/main.js");`;
    document.head.append(script);
  }

  start().catch((problem) => {
    console.error(problem);
    const sentence = document.createElement("p");
    sentence.className = "missing";
    sentence.textContent = `This browser cannot unpack the page: it needs Chrome 80, Firefox 113 or Safari 16.4, or a
      newer one. 本浏览器无法解开此页面：需要 Chrome 80、Firefox 113、Safari 16.4 或更新的版本。`;
    document.body.prepend(sentence);
  });
})();
