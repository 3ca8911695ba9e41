"""The official JavaScript client in Chromium, for `sioprobe conform --client browser` (CLIENT_CONTRACT.md).

`agent.py FOLDER CHROMIUM`: the folder of the JavaScript agent, and the program of the browser. With a 2
behind them it is version 2 of the client (`--client browser-2`).
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
  fromBase64: (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer,
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


OF_VERSION_4 = [
    "auth",
    "auth_function",
    "ack_timeout",
    "volatile",
    "retries",
    "recovery",
    "headers",
    "protocols",
]
OF_VERSION_4 += ["add_trailing_slash", "try_all_transports", "browser"]


async def load(page, folder, package):
    """The application and its client, in an empty page."""
    await page.goto("about:blank")
    await page.add_script_tag(path=package / "dist/socket.io.js")
    application = (folder / "application.mjs").read_text("utf-8").replace("export function", "function")
    await page.add_script_tag(content=application + SCRIPT)


async def main(folder, chromium, old):
    reader = asyncio.StreamReader(limit=2**26)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    package = folder / "node_modules" / ("socket.io-client-2" if old else "socket.io-client")
    async with async_playwright() as playwright:
        flags = ["--disable-web-security", "--no-sandbox"]
        browser = await playwright.chromium.launch(executable_path=chromium, args=flags)
        page = await browser.new_page()
        page.on("pageerror", unhandled)
        page.on("crash", lambda: sys.exit("the page crashed"))
        await page.expose_function("say", say)
        await load(page, folder, package)
        # The first request starts a process of the browser, which may take seconds: none of a case's time.
        async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await page.evaluate("(url) => fetch(url).catch(() => 0)", f"http://127.0.0.1:{port}/")
        version = json.loads((package / "package.json").read_text("utf-8"))["version"]
        features = [name for name in FEATURES if not old or name not in OF_VERSION_4]
        hello = {"client": "socket.io-client in Chromium", "version": version, "features": features}
        say(json.dumps({"seen": "hello", "versions": {"chromium": browser.version}, **hello}))
        while line := await reader.readline():
            command = json.loads(line)
            if command["do"] in ("offline", "online"):
                await page.context.set_offline(command["do"] == "offline")
                continue
            if command["do"] == "leave":
                await load(page, folder, package)
                continue
            if command["do"] == "reset":
                await page.context.set_offline(False)
            await page.evaluate("(command) => obey(command)", command)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:4] == ["2"]))
