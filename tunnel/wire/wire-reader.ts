import { TunnelError } from "../tunnel-error.ts";

const varint = 0;
const fixed64 = 1;
const lengthDelimited = 2;
const fixed32 = 5;

/** Reads the protobuf wire format from one message without copying. Throws a TunnelError. */
export class WireReader {
  readonly #message: Buffer;
  #at = 0;

  constructor(message: Buffer) {
    this.#message = message;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#message.length;
  }

  /** Field number and wire type of the next field. */
  tag(): readonly [field: number, wireType: number] {
    const tag = this.#uint();
    const field = Math.floor(tag / 8);
    if (field === 0) throw malformed("field number 0");
    return [field, tag % 8];
  }

  /** An enum or a length; larger values than a number can hold are refused. */
  number(wireType: number): number {
    if (wireType !== varint) throw malformed(`wire type ${wireType} for a number`);
    return this.#uint();
  }

  /** An int64, negative ones included. */
  int64(wireType: number): bigint {
    if (wireType !== varint) throw malformed(`wire type ${wireType} for an int64`);
    const start = this.#at;
    let low = 0;
    // Up to 7 bytes fit a number exactly; that is every id but the random ones.
    for (let scale = 1; this.#at - start < 7; scale *= 128) {
      const byte = this.#byte();
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) return BigInt(low);
    }
    return BigInt.asIntN(64, BigInt(low) + this.#high());
  }

  /** A view of the next length-delimited field. */
  bytes(wireType: number): Buffer {
    if (wireType !== lengthDelimited) throw malformed(`wire type ${wireType} for bytes`);
    return this.#take(this.#uint());
  }

  /** A UTF-8 string; invalid sequences are refused, as Go refuses them. */
  string(wireType: number): string {
    const bytes = this.bytes(wireType);
    try {
      return utf8.decode(bytes);
    } catch {
      throw malformed("invalid UTF-8");
    }
  }

  /** Steps over a field that this version does not know. */
  skip(wireType: number): void {
    if (wireType === varint) this.#skipVarint();
    else if (wireType === fixed64) this.#take(8);
    else if (wireType === lengthDelimited) this.#take(this.#uint());
    else if (wireType === fixed32) this.#take(4);
    else throw malformed(`wire type ${wireType}`);
  }

  /** The bits of an int64 from bit 49 on. */
  #high(): bigint {
    let high = 0n;
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      high |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return high;
    }
    throw malformed("varint of more than 10 bytes");
  }

  #uint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 42; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw malformed("number out of range");
  }

  #skipVarint(): void {
    for (let count = 0; count < 10; count += 1) {
      if (this.#byte() < 0x80) return;
    }
    throw malformed("varint of more than 10 bytes");
  }

  #byte(): number {
    const byte = this.#message[this.#at];
    if (byte === undefined) throw malformed("message ends within a field");
    this.#at += 1;
    return byte;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#message.length) throw malformed("message ends within a field");
    const view = this.#message.subarray(this.#at, end);
    this.#at = end;
    return view;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function malformed(what: string): TunnelError {
  return new TunnelError("protocol", `Cannot read packet: ${what}`);
}
