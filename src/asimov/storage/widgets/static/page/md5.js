// MD5 after RFC 1321, and digesters for the bytes that a page reads or receives.

// Call .update(bytes) for each piece. .hex() can be called at any time, and doesn't change the state.
// The class uses no name from outside, so that its source text can be sent to a Worker.
class Md5 {
  constructor() {
    this.state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
    this.length = 0; // bytes so far
    this.rest = new Uint8Array(64); // bytes that don't fill a block yet
  }

  /** @param {Uint8Array} bytes */
  update(bytes) {
    const filled = this.length % 64;
    this.length += bytes.length;
    let at = 0;
    if (filled > 0) {
      at = Math.min(64 - filled, bytes.length);
      this.rest.set(bytes.subarray(0, at), filled);
      if (filled + at < 64) return;
      Md5.compress(this.state, Md5.words(this.rest, 0, 64));
    }
    const whole = at + Math.floor((bytes.length - at) / 64) * 64;
    if (whole > at) Md5.compress(this.state, Md5.words(bytes, at, whole));
    this.rest.set(bytes.subarray(whole));
  }

  hex() {
    const filled = this.length % 64;
    const last = new Uint8Array(filled < 56 ? 64 : 128); // the rest, a 1 bit, zeros, the length in bits
    last.set(this.rest.subarray(0, filled));
    last[filled] = 0x80;
    const view = new DataView(last.buffer);
    view.setUint32(last.length - 8, (this.length * 8) >>> 0, true);
    view.setUint32(last.length - 4, Math.floor(this.length / 0x20000000), true);
    const state = this.state.slice();
    Md5.compress(state, Md5.words(last, 0, last.length));
    const digest = new DataView(new ArrayBuffer(16));
    for (const [index, word] of state.entries()) digest.setInt32(4 * index, word, true);
    return Array.from(new Uint8Array(digest.buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /**
   * Return the bytes as little-endian words, without a copy if the machine and the alignment allow it.
   *
   * @param {Uint8Array} bytes
   * @param {number} from
   * @param {number} to
   */
  static words(bytes, from, to) {
    const little = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
    const start = bytes.byteOffset + from;
    if (little && start % 4 === 0) return new Int32Array(bytes.buffer, start, (to - from) / 4);
    const view = new DataView(bytes.buffer, start, to - from);
    return Int32Array.from({ length: (to - from) / 4 }, (_, index) => view.getInt32(4 * index, true));
  }

  /**
   * Do the 64 steps for each block. They are written out, as a loop over tables is several times slower. The numbers are
   * floor(2**32 * abs(sin(i))), as signed integers. F and G are written with one operation less than in the RFC.
   *
   * @param {Int32Array} state
   * @param {Int32Array} x
   */
  static compress(state, x) {
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    for (let at = 0; at < x.length; at += 16) {
      const a0 = a;
      const b0 = b;
      const c0 = c;
      const d0 = d;
      // Round 1
      a = (a + (d ^ (b & (c ^ d))) + x[at + 0] - 680876936) | 0;
      a = (((a << 7) | (a >>> 25)) + b) | 0;
      d = (d + (c ^ (a & (b ^ c))) + x[at + 1] - 389564586) | 0;
      d = (((d << 12) | (d >>> 20)) + a) | 0;
      c = (c + (b ^ (d & (a ^ b))) + x[at + 2] + 606105819) | 0;
      c = (((c << 17) | (c >>> 15)) + d) | 0;
      b = (b + (a ^ (c & (d ^ a))) + x[at + 3] - 1044525330) | 0;
      b = (((b << 22) | (b >>> 10)) + c) | 0;
      a = (a + (d ^ (b & (c ^ d))) + x[at + 4] - 176418897) | 0;
      a = (((a << 7) | (a >>> 25)) + b) | 0;
      d = (d + (c ^ (a & (b ^ c))) + x[at + 5] + 1200080426) | 0;
      d = (((d << 12) | (d >>> 20)) + a) | 0;
      c = (c + (b ^ (d & (a ^ b))) + x[at + 6] - 1473231341) | 0;
      c = (((c << 17) | (c >>> 15)) + d) | 0;
      b = (b + (a ^ (c & (d ^ a))) + x[at + 7] - 45705983) | 0;
      b = (((b << 22) | (b >>> 10)) + c) | 0;
      a = (a + (d ^ (b & (c ^ d))) + x[at + 8] + 1770035416) | 0;
      a = (((a << 7) | (a >>> 25)) + b) | 0;
      d = (d + (c ^ (a & (b ^ c))) + x[at + 9] - 1958414417) | 0;
      d = (((d << 12) | (d >>> 20)) + a) | 0;
      c = (c + (b ^ (d & (a ^ b))) + x[at + 10] - 42063) | 0;
      c = (((c << 17) | (c >>> 15)) + d) | 0;
      b = (b + (a ^ (c & (d ^ a))) + x[at + 11] - 1990404162) | 0;
      b = (((b << 22) | (b >>> 10)) + c) | 0;
      a = (a + (d ^ (b & (c ^ d))) + x[at + 12] + 1804603682) | 0;
      a = (((a << 7) | (a >>> 25)) + b) | 0;
      d = (d + (c ^ (a & (b ^ c))) + x[at + 13] - 40341101) | 0;
      d = (((d << 12) | (d >>> 20)) + a) | 0;
      c = (c + (b ^ (d & (a ^ b))) + x[at + 14] - 1502002290) | 0;
      c = (((c << 17) | (c >>> 15)) + d) | 0;
      b = (b + (a ^ (c & (d ^ a))) + x[at + 15] + 1236535329) | 0;
      b = (((b << 22) | (b >>> 10)) + c) | 0;
      // Round 2
      a = (a + (c ^ (d & (b ^ c))) + x[at + 1] - 165796510) | 0;
      a = (((a << 5) | (a >>> 27)) + b) | 0;
      d = (d + (b ^ (c & (a ^ b))) + x[at + 6] - 1069501632) | 0;
      d = (((d << 9) | (d >>> 23)) + a) | 0;
      c = (c + (a ^ (b & (d ^ a))) + x[at + 11] + 643717713) | 0;
      c = (((c << 14) | (c >>> 18)) + d) | 0;
      b = (b + (d ^ (a & (c ^ d))) + x[at + 0] - 373897302) | 0;
      b = (((b << 20) | (b >>> 12)) + c) | 0;
      a = (a + (c ^ (d & (b ^ c))) + x[at + 5] - 701558691) | 0;
      a = (((a << 5) | (a >>> 27)) + b) | 0;
      d = (d + (b ^ (c & (a ^ b))) + x[at + 10] + 38016083) | 0;
      d = (((d << 9) | (d >>> 23)) + a) | 0;
      c = (c + (a ^ (b & (d ^ a))) + x[at + 15] - 660478335) | 0;
      c = (((c << 14) | (c >>> 18)) + d) | 0;
      b = (b + (d ^ (a & (c ^ d))) + x[at + 4] - 405537848) | 0;
      b = (((b << 20) | (b >>> 12)) + c) | 0;
      a = (a + (c ^ (d & (b ^ c))) + x[at + 9] + 568446438) | 0;
      a = (((a << 5) | (a >>> 27)) + b) | 0;
      d = (d + (b ^ (c & (a ^ b))) + x[at + 14] - 1019803690) | 0;
      d = (((d << 9) | (d >>> 23)) + a) | 0;
      c = (c + (a ^ (b & (d ^ a))) + x[at + 3] - 187363961) | 0;
      c = (((c << 14) | (c >>> 18)) + d) | 0;
      b = (b + (d ^ (a & (c ^ d))) + x[at + 8] + 1163531501) | 0;
      b = (((b << 20) | (b >>> 12)) + c) | 0;
      a = (a + (c ^ (d & (b ^ c))) + x[at + 13] - 1444681467) | 0;
      a = (((a << 5) | (a >>> 27)) + b) | 0;
      d = (d + (b ^ (c & (a ^ b))) + x[at + 2] - 51403784) | 0;
      d = (((d << 9) | (d >>> 23)) + a) | 0;
      c = (c + (a ^ (b & (d ^ a))) + x[at + 7] + 1735328473) | 0;
      c = (((c << 14) | (c >>> 18)) + d) | 0;
      b = (b + (d ^ (a & (c ^ d))) + x[at + 12] - 1926607734) | 0;
      b = (((b << 20) | (b >>> 12)) + c) | 0;
      // Round 3
      a = (a + (b ^ c ^ d) + x[at + 5] - 378558) | 0;
      a = (((a << 4) | (a >>> 28)) + b) | 0;
      d = (d + (a ^ b ^ c) + x[at + 8] - 2022574463) | 0;
      d = (((d << 11) | (d >>> 21)) + a) | 0;
      c = (c + (d ^ a ^ b) + x[at + 11] + 1839030562) | 0;
      c = (((c << 16) | (c >>> 16)) + d) | 0;
      b = (b + (c ^ d ^ a) + x[at + 14] - 35309556) | 0;
      b = (((b << 23) | (b >>> 9)) + c) | 0;
      a = (a + (b ^ c ^ d) + x[at + 1] - 1530992060) | 0;
      a = (((a << 4) | (a >>> 28)) + b) | 0;
      d = (d + (a ^ b ^ c) + x[at + 4] + 1272893353) | 0;
      d = (((d << 11) | (d >>> 21)) + a) | 0;
      c = (c + (d ^ a ^ b) + x[at + 7] - 155497632) | 0;
      c = (((c << 16) | (c >>> 16)) + d) | 0;
      b = (b + (c ^ d ^ a) + x[at + 10] - 1094730640) | 0;
      b = (((b << 23) | (b >>> 9)) + c) | 0;
      a = (a + (b ^ c ^ d) + x[at + 13] + 681279174) | 0;
      a = (((a << 4) | (a >>> 28)) + b) | 0;
      d = (d + (a ^ b ^ c) + x[at + 0] - 358537222) | 0;
      d = (((d << 11) | (d >>> 21)) + a) | 0;
      c = (c + (d ^ a ^ b) + x[at + 3] - 722521979) | 0;
      c = (((c << 16) | (c >>> 16)) + d) | 0;
      b = (b + (c ^ d ^ a) + x[at + 6] + 76029189) | 0;
      b = (((b << 23) | (b >>> 9)) + c) | 0;
      a = (a + (b ^ c ^ d) + x[at + 9] - 640364487) | 0;
      a = (((a << 4) | (a >>> 28)) + b) | 0;
      d = (d + (a ^ b ^ c) + x[at + 12] - 421815835) | 0;
      d = (((d << 11) | (d >>> 21)) + a) | 0;
      c = (c + (d ^ a ^ b) + x[at + 15] + 530742520) | 0;
      c = (((c << 16) | (c >>> 16)) + d) | 0;
      b = (b + (c ^ d ^ a) + x[at + 2] - 995338651) | 0;
      b = (((b << 23) | (b >>> 9)) + c) | 0;
      // Round 4
      a = (a + (c ^ (b | ~d)) + x[at + 0] - 198630844) | 0;
      a = (((a << 6) | (a >>> 26)) + b) | 0;
      d = (d + (b ^ (a | ~c)) + x[at + 7] + 1126891415) | 0;
      d = (((d << 10) | (d >>> 22)) + a) | 0;
      c = (c + (a ^ (d | ~b)) + x[at + 14] - 1416354905) | 0;
      c = (((c << 15) | (c >>> 17)) + d) | 0;
      b = (b + (d ^ (c | ~a)) + x[at + 5] - 57434055) | 0;
      b = (((b << 21) | (b >>> 11)) + c) | 0;
      a = (a + (c ^ (b | ~d)) + x[at + 12] + 1700485571) | 0;
      a = (((a << 6) | (a >>> 26)) + b) | 0;
      d = (d + (b ^ (a | ~c)) + x[at + 3] - 1894986606) | 0;
      d = (((d << 10) | (d >>> 22)) + a) | 0;
      c = (c + (a ^ (d | ~b)) + x[at + 10] - 1051523) | 0;
      c = (((c << 15) | (c >>> 17)) + d) | 0;
      b = (b + (d ^ (c | ~a)) + x[at + 1] - 2054922799) | 0;
      b = (((b << 21) | (b >>> 11)) + c) | 0;
      a = (a + (c ^ (b | ~d)) + x[at + 8] + 1873313359) | 0;
      a = (((a << 6) | (a >>> 26)) + b) | 0;
      d = (d + (b ^ (a | ~c)) + x[at + 15] - 30611744) | 0;
      d = (((d << 10) | (d >>> 22)) + a) | 0;
      c = (c + (a ^ (d | ~b)) + x[at + 6] - 1560198380) | 0;
      c = (((c << 15) | (c >>> 17)) + d) | 0;
      b = (b + (d ^ (c | ~a)) + x[at + 13] + 1309151649) | 0;
      b = (((b << 21) | (b >>> 11)) + c) | 0;
      a = (a + (c ^ (b | ~d)) + x[at + 4] - 145523070) | 0;
      a = (((a << 6) | (a >>> 26)) + b) | 0;
      d = (d + (b ^ (a | ~c)) + x[at + 11] - 1120210379) | 0;
      d = (((d << 10) | (d >>> 22)) + a) | 0;
      c = (c + (a ^ (d | ~b)) + x[at + 2] + 718787259) | 0;
      c = (((c << 15) | (c >>> 17)) + d) | 0;
      b = (b + (d ^ (c | ~a)) + x[at + 9] - 343485551) | 0;
      b = (((b << 21) | (b >>> 11)) + c) | 0;
      a = (a + a0) | 0;
      b = (b + b0) | 0;
      c = (c + c0) | 0;
      d = (d + d0) | 0;
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
  }
}

/**
 * A digest of the bytes that a page reads or receives.
 *
 * @typedef {object} Digester
 * @property {boolean} inWorker Whether it runs beside the page.
 * @property {(buffer: ArrayBuffer) => Promise<unknown>} update Resolves once the bytes are digested. The buffer stays valid.
 * @property {() => Promise<string>} hex Returns the digest so far.
 * @property {() => void} close
 */

/**
 * Return a digester in a Worker, or in the page if a Worker is refused, as the policies of some pages do.
 *
 * @returns {Promise<Digester>}
 */
async function digester() {
  try {
    return await digesterInWorker();
  } catch {
    return digesterInPage();
  }
}

/** @returns {Digester} */
function digesterInPage() {
  const md5 = new Md5();
  return {
    inWorker: false,
    update: async (buffer) => md5.update(new Uint8Array(buffer)),
    hex: async () => md5.hex(),
    close() {},
  };
}

/** @returns {Promise<Digester>} */
function digesterInWorker() {
  const source = `${Md5}
    const md5 = new Md5();
    onmessage = ({ data }) => {
      if (data !== null) md5.update(new Uint8Array(data));
      postMessage(data === null ? md5.hex() : undefined);
    };`;
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(address);
  /** @type {{ resolve: (answer: string) => void, reject: (error: Error) => void }[]} */
  const waiting = []; // the answers arrive in the order of the questions
  /**
   * @param {ArrayBuffer | null} data
   * @returns {Promise<string>}
   */
  const ask = (data) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      worker.postMessage(data);
    });
  const close = () => {
    worker.terminate();
    for (const { reject } of waiting.splice(0)) reject(new Error("The digest in a Worker was ended."));
  };
  worker.onmessage = ({ data }) => waiting.shift()?.resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    close();
  };
  return ask(null)
    .then(() => ({ inWorker: true, update: ask, hex: () => ask(null), close }))
    .finally(() => URL.revokeObjectURL(address));
}
