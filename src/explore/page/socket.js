// The connection to the server: it comes back by itself, and never has two views under way.

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15000;
const LASTING = 5000;

export class Connection {
  /** `handlers`: onMessage(message), onLost(). */
  constructor(handlers) {
    this.handlers = handlers;
    this.delay = FIRST_DELAY;
    this.timer = null;
    this.socket = null;
    this.openedAt = Infinity;
  }

  open() {
    clearTimeout(this.timer);
    const address = new URL("socket", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.openedAt = performance.now();
    });
    socket.addEventListener("message", (event) => this.receive(event.data));
    socket.addEventListener("close", () => this.lost(socket));
  }

  receive(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    this.handlers.onMessage(message);
  }

  lost(socket) {
    if (socket !== this.socket) return;
    // A server that accepts and then closes at once must not be asked twice a second for ever.
    if (performance.now() - this.openedAt > LASTING) this.delay = FIRST_DELAY;
    this.handlers.onLost();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), this.delay);
    this.delay = Math.min(this.delay * 2, LONGEST_DELAY);
  }

  reconnect() {
    if (this.isOpen || this.socket?.readyState === WebSocket.CONNECTING) return;
    this.delay = FIRST_DELAY;
    this.open();
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  send(message) {
    if (this.isOpen) this.socket.send(JSON.stringify(message));
    return this.isOpen;
  }
}

const REST = 150;

/**
 * Asks for views. While an answer is awaited nothing is sent; when it comes, the newest state is.
 * `describe()` gives {state, q, landscapeKey}: the key names everything a landscape depends on.
 */
export class ViewRequests {
  constructor({ nextId, send, describe }) {
    Object.assign(this, { nextId, send, describe });
    this.forget();
  }

  /** After a lost connection: nothing is under way, and nothing that was asked for is known. */
  forget() {
    clearTimeout(this.rest);
    this.awaited = null;
    this.isStale = false;
    this.coarseKey = null;
    this.fineKey = null;
    this.restingKey = null;
    this.isRested = false;
  }

  changed() {
    this.isStale = true;
    const { landscapeKey } = this.describe();
    // Rest is of what the landscapes show: they become fine even while q goes on moving over them.
    if (landscapeKey !== this.restingKey) this.restart(landscapeKey);
    this.pump();
  }

  restart(landscapeKey) {
    this.restingKey = landscapeKey;
    this.isRested = false;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      this.isRested = true;
      this.pump();
    }, REST);
  }

  pump() {
    if (this.awaited !== null) return;
    const { state, q, landscapeKey } = this.describe();
    let landscape = "none";
    if (this.isRested && landscapeKey !== this.fineKey) landscape = "fine";
    else if (this.isStale && landscapeKey !== this.coarseKey && landscapeKey !== this.fineKey)
      landscape = "coarse";
    if (!this.isStale && landscape === "none") return;
    const id = this.nextId();
    if (!this.send({ type: "view", id, state, q, landscape })) return;
    this.awaited = id;
    this.isStale = false;
    if (landscape === "fine") this.fineKey = landscapeKey;
    if (landscape === "coarse") [this.coarseKey, this.fineKey] = [landscapeKey, null];
  }

  /** To be called with the id of every view and of every error; true if it was the awaited one. */
  answered(id) {
    if (id !== this.awaited) return false;
    this.awaited = null;
    this.pump();
    return true;
  }
}
