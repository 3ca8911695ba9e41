/* The page at "/": it sends input to the namespace /page, and lists what arrives. */
(() => {
  "use strict";

  const PING_EVERY = 1000; // milliseconds
  const MEAN_OF = 10;

  const element = (id) => document.getElementById(id);
  const offered = document.body.dataset.transports.split(",");
  const asked = new URLSearchParams(location.search).get("transports");
  const transports = asked ? asked.split(",") : offered;

  const socket = io("/page", { transports });
  const roundTrips = [];
  let rooms = [];

  function showState(state) {
    element("state").textContent = state;
    element("state").dataset.state = state;
    const connected = state === "connected";
    element("disconnect").hidden = !connected;
    element("connect").hidden = connected;
    for (const button of document.querySelectorAll("form button")) {
      button.disabled = !connected;
    }
  }

  function showTransport(name) {
    element("transport").textContent = name;
    element("transport-history").textContent = history.length > 1 ? history.join(" → ") : "";
  }

  const history = [];

  function followTransport() {
    history.length = 0;
    history.push(socket.io.engine.transport.name);
    showTransport(history[0]);
    socket.io.engine.on("upgrade", (transport) => {
      history.push(transport.name);
      showTransport(transport.name);
    });
  }

  function showRooms(names) {
    rooms = names;
    element("rooms").textContent = rooms.join(", ");
  }

  function log(text) {
    const line = document.createElement("li");
    const time = document.createElement("time");
    time.textContent = new Date().toLocaleTimeString([], { hour12: false });
    const content = document.createElement("span");
    content.textContent = text;
    line.append(time, content);
    element("log").prepend(line);
  }

  // Each connection has a new engine, before the namespace is connected.
  socket.io.on("open", followTransport);
  socket.on("connect", () => {
    showState("connected");
    showRooms([]);
  });
  socket.on("disconnect", (reason) => {
    showState("disconnected");
    showTransport("none");
    log(`Disconnected: ${reason}`);
    // A server that stops says goodbye. The client does not come back from that by itself.
    if (reason === "io server disconnect" && !leaving) {
      setTimeout(() => socket.connect(), PING_EVERY);
    }
    leaving = false;
  });
  socket.on("connect_error", (error) => showState(socket.active ? "connecting" : `refused: ${error.message}`));
  socket.on("my_response", (message) => log(`#${message.count} ${message.data}`));
  socket.on("room_closed", (room) => {
    showRooms(rooms.filter((name) => name !== room));
  });
  socket.on("error handled", (failure) => log(`Error: ${failure.error}`));

  let leaving = false;

  function onSubmit(id, send) {
    element(id).addEventListener("submit", (event) => {
      event.preventDefault();
      send(Object.fromEntries(new FormData(event.target)), event.submitter);
    });
  }

  onSubmit("echo", (values) => socket.emit("my_event", values));
  onSubmit("broadcast", (values) => socket.emit("my_broadcast_event", values));
  onSubmit("room-message", (values) => socket.emit("my_room_event", values));
  onSubmit("room", (values, button) => {
    const action = button?.value || "join";
    if (action === "close_room") {
      socket.emit(action, values);
    } else {
      socket.emit(action, values, showRooms);
    }
  });

  element("clear").addEventListener("click", () => element("log").replaceChildren());
  element("connect").addEventListener("click", () => socket.connect());
  element("disconnect").addEventListener("click", () => {
    leaving = true;
    socket.emit("disconnect_request");
  });

  const choice = element("choice");
  choice.value = transports.join(",");
  for (const option of choice.options) {
    option.disabled = !option.value.split(",").every((name) => offered.includes(name));
  }
  choice.addEventListener("change", () => {
    location.search = new URLSearchParams({ transports: choice.value }).toString().replace("%2C", ",");
  });

  setInterval(() => {
    if (!socket.connected) {
      return;
    }
    const start = performance.now();
    socket.emit("my_ping", () => {
      roundTrips.push(performance.now() - start);
      if (roundTrips.length > MEAN_OF) {
        roundTrips.shift();
      }
      const mean = roundTrips.reduce((sum, value) => sum + value, 0) / roundTrips.length;
      element("round-trip").textContent = mean.toFixed(1);
    });
  }, PING_EVERY);

  showState("connecting");
})();
