/** A string; nothing for an empty one, which is proto3's default. */
export function text(field: number, value: string): Buffer {
  if (value === "") return empty;
  return bytesField(field, Buffer.from(value, "utf8"));
}

/** Bytes, or a message within one. */
export function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag(field, 2)]), varint(bytes.length), bytes]);
}

/** An int64; nothing for zero. */
export function int64(field: number, value: bigint): Buffer {
  if (value === 0n) return empty;
  if (value > 0n && value < 128n) return Buffer.from([tag(field, 0), Number(value)]);
  const bytes = [tag(field, 0)];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** What a field of fewer than 16 begins with. */
export function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

/** A number of any length. */
export function varint(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(varintLength(value));
  writeVarint(buffer, 0, value);
  return buffer;
}

/** How many bytes {@link varint} needs. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

/** Writes in place. Returns the offset behind what was written. */
export function writeVarint(buffer: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    buffer[at] = (rest % 128) | 0x80;
    at += 1;
  }
  buffer[at] = rest;
  return at + 1;
}

const empty = Buffer.alloc(0);
