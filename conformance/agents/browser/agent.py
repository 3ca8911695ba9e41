"""The official JavaScript client in Chromium, for `sioprobe conform --client browser` (CLIENT_CONTRACT.md).

`agent.py FOLDER CHROMIUM`: the folder of the JavaScript agent, and the program of the browser.
The page may ask any host: whether a browser lets it do so (CORS) is no matter of the client.
"""

import asyncio
import json
import sys
from pathlib import Path

from playwright.async_api import async_playwright

SCRIPT = """
globalThis.commands = application({
  io,
  see: (seen, fields) => globalThis.say(JSON.stringify({ seen, ...fields })),
  toBase64: (data) => {
    const bytes = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) {
      text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    }
    return btoa(text);
  },
  fromBase64: (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)),
});
globalThis.obey = (command) => {
  const see = (seen, fields) => globalThis.say(JSON.stringify({ seen, ...fields }));
  if (!Object.hasOwn(globalThis.commands, command.do)) return see("unknown", { do: command.do });
  try {
    globalThis.commands[command.do](command);
  } catch (error) {
    see("threw", { do: command.do, message: String(error.message) });
  }
};
"""
FEATURES = ["polling", "websocket", "upgrade", "reconnection", "namespaces", "multiplex", "auth", "ack_in"]
FEATURES += ["ack_out", "ack_late", "ack_timeout", "binary", "connect_error_data", "id", "throw", "buffer"]
FEATURES += ["volatile", "retries", "recovery", "wait", "auth_function"]
FEATURES += ["path", "add_trailing_slash", "query", "headers", "force_base64", "timestamp_requests"]
FEATURES += ["protocols", "auto_connect", "remember_upgrade", "try_all_transports", "browser"]


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def unhandled(error):
    say(json.dumps({"seen": "unhandled", "message": str(error)}))


async def load(page, folder):
    """The application and its client, in an empty page."""
    await page.goto("about:blank")
    await page.add_script_tag(path=folder / "node_modules/socket.io-client/dist/socket.io.min.js")
    application = (folder / "application.mjs").read_text("utf-8").replace("export function", "function")
    await page.add_script_tag(content=application + SCRIPT)


async def main(folder, chromium):
    reader = asyncio.StreamReader(limit=2**26)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    async with async_playwright() as playwright:
        flags = ["--disable-web-security", "--no-sandbox"]
        browser = await playwright.chromium.launch(executable_path=chromium, args=flags)
        page = await browser.new_page()
        page.on("pageerror", unhandled)
        page.on("crash", lambda: sys.exit("the page crashed"))
        await page.expose_function("say", say)
        await load(page, folder)
        # The first request starts a process of the browser, which may take seconds: none of a case's time.
        async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await page.evaluate("(url) => fetch(url).catch(() => 0)", f"http://127.0.0.1:{port}/")
        package = (folder / "node_modules/socket.io-client/package.json").read_text("utf-8")
        hello = {"client": "socket.io-client in Chromium", "features": FEATURES}
        hello["version"] = json.loads(package)["version"]
        say(json.dumps({"seen": "hello", "versions": {"chromium": browser.version}, **hello}))
        while line := await reader.readline():
            command = json.loads(line)
            if command["do"] in ("offline", "online"):
                await page.context.set_offline(command["do"] == "offline")
                continue
            if command["do"] == "leave":
                await load(page, folder)
                continue
            if command["do"] == "reset":
                await page.context.set_offline(False)
            await page.evaluate("(command) => obey(command)", command)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
