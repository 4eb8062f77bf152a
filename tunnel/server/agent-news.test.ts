import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OutgoingPacket } from "../wire/packet.ts";
import { AgentNews } from "./agent-news.ts";

class Stream {
  readonly sent: OutgoingPacket[] = [];
  write(packet: OutgoingPacket): boolean {
    this.sent.push(packet);
    return true;
  }
}

describe("AgentNews", () => {
  const [known, changed] = [
    ["a", "b"],
    ["b", "c"],
  ];
  function newsWith(first: readonly string[] | undefined) {
    const listeners: (() => void)[] = [];
    const list = {
      current: first,
      onChange: (heard: () => void) => (listeners.push(heard), () => undefined),
    };
    const news = new AgentNews("a", list);
    news.follow();
    const agent = new Stream();
    const change = (next: readonly string[]) => {
      list.current = next;
      for (const heard of listeners) heard();
    };
    return { news, agent, change };
  }

  it("tells an agent of all servers, itself included, and of every change", () => {
    const { news, agent, change } = newsWith(known);
    const stop = news.add(agent);
    change(changed);
    stop();
    change(known);
    assert.deepEqual(agent.sent, [
      { type: "servers", ids: ["a", "b"] },
      { type: "servers", ids: ["a", "b", "c"] },
    ]);
  });

  it("says nothing of servers while nobody knows them", () => {
    const { news, agent } = newsWith(undefined);
    news.add(agent);
    assert.deepEqual(agent.sent, []);
  });

  it("tells of the others only, and asks to be left, when it leaves", () => {
    const { news, agent } = newsWith(known);
    news.add(agent);
    news.leave();
    assert.equal(news.isLeaving, true);
    assert.deepEqual(agent.sent.slice(1), [{ type: "servers", ids: ["b"] }, { type: "drain" }]);
  });
});
