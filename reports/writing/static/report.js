"use strict";
// The page works without this script, except for transcripts. It opens the row in the address, unpacks
// transcripts when they are asked for, and saves the embedded files.
(function () {
  async function unpacked(packed) {
    const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
  }

  async function save(button) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await (await unpacked(button.dataset.gzip)).blob());
    link.download = button.dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  let transcripts;

  async function showTranscript(details) {
    const place = details.dataset.transcript;
    delete details.dataset.transcript;
    transcripts ||= unpacked(document.getElementById("transcripts").dataset.gzip).then((all) => all.json());
    const table = document.createElement("table");
    table.className = "wire";
    for (const [time, direction, meaning, raw] of (await transcripts)[place]) {
      const row = table.insertRow();
      for (const text of [time, direction, meaning]) row.insertCell().textContent = text;
      row.firstChild.className = "num";
      row.insertCell().appendChild(document.createElement("code")).textContent = raw;
    }
    const box = document.createElement("div");
    box.className = "scroll";
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", details.querySelector("summary").textContent);
    box.append(table);
    details.querySelector("p").replaceWith(box);
  }

  function openNamedRow() {
    const row = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (row && row.tagName === "DETAILS") {
      row.open = true;
      row.scrollIntoView();
    }
  }

  if (typeof DecompressionStream === "function") {
    for (const button of document.querySelectorAll("button[data-gzip]")) {
      button.hidden = false;
      button.addEventListener("click", () => save(button));
    }
    // It does not bubble.
    addEventListener("toggle", ({ target }) => target.dataset.transcript && showTranscript(target), true);
  }
  addEventListener("hashchange", openNamedRow);
  openNamedRow();
})();
