"use strict";
// The page works without this script. It opens the row in the address, and saves the embedded files.
(function () {
  async function save(button) {
    const bytes = Uint8Array.from(atob(button.dataset.gzip), (character) => character.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await new Response(plain).blob());
    link.download = button.dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
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
  }
  addEventListener("hashchange", openNamedRow);
  openNamedRow();
})();
