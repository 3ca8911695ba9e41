// SocketIOClient for .NET, for `sioprobe conform --client csharp` (CLIENT_CONTRACT.md).
// Written against the public API of version 4.0. Nobody has run it yet: docs/judge/clients.md says why.
using System.Text.Json;
using System.Text.Json.Nodes;
using SocketIOClient;
using SocketIOClient.Common;
using SocketIOClient.Common.Messages;
using Client = SocketIOClient.SocketIO;

// A handler cannot see whether an ack is asked for, and the text of an event has no bytes: no ack_in, no binary.
string[] features = ["polling", "websocket", "upgrade", "namespaces", "auth", "id", "ack_out"];
string[] events = ["news"];
var clients = new Dictionary<string, Client>(); // of each namespace, the last one
var everyone = new List<Client>();
var silent = new HashSet<Client>(); // after `reset`
var writing = new object();

void See(string seen, object? fields = null)
{
    var word = fields is null ? new JsonObject() : JsonSerializer.SerializeToNode(fields)!.AsObject();
    word["seen"] = seen;
    lock (writing)
    {
        Console.Out.WriteLine(word.ToJsonString());
        Console.Out.Flush();
    }
}

// The arguments of ["event", ...] or of an answer [...].
static List<JsonElement> Arguments(string text, int from)
{
    return JsonDocument.Parse(text).RootElement.EnumerateArray().Skip(from).ToList();
}

async Task Connect(JsonElement command, string space)
{
    var given = command.GetProperty("options");
    var transports = given.TryGetProperty("transports", out var names)
        ? names.EnumerateArray().Select(one => one.GetString()).ToList()
        : ["polling", "websocket"];
    var options = new SocketIOOptions
    {
        Transport = transports[0] == "websocket" ? TransportProtocol.WebSocket : TransportProtocol.Polling,
        AutoUpgrade = transports.Count > 1,
        Reconnection = !given.TryGetProperty("reconnection", out var again) || again.GetBoolean(),
    };
    if (given.TryGetProperty("timeout", out var timeout))
        options.ConnectionTimeout = TimeSpan.FromMilliseconds(timeout.GetDouble());
    if (given.TryGetProperty("auth", out var auth)) options.Auth = auth;
    var url = command.GetProperty("url").GetString() + (space == "/" ? "" : space);
    var client = new Client(new Uri(url), options);
    clients[space] = client;
    everyone.Add(client);

    void Say(string seen, object fields)
    {
        lock (silent)
        {
            if (silent.Contains(client)) return;
        }
        See(seen, fields);
    }

    client.OnConnected += (_, _) => Say("connect", new { @namespace = space, id = client.Id });
    client.OnDisconnected += (_, reason) => Say("disconnect", new { @namespace = space, reason });
    client.OnError += (_, message) => Say("connect_error", new { @namespace = space, message });
    foreach (var name in events)
    {
        client.On(name, context =>
        {
            Say("event", new { @namespace = space, @event = name, args = Arguments(context.RawText, 1) });
            return Task.CompletedTask;
        });
    }
    try
    {
        await client.ConnectAsync();
    }
    catch (Exception error)
    {
        Say("connect_error", new { @namespace = space, message = error.Message });
    }
}

async Task Emit(JsonElement command, string space)
{
    var client = clients[space];
    var name = command.GetProperty("event").GetString()!;
    var values = command.GetProperty("args").EnumerateArray().Cast<object>().ToList();
    if (!command.TryGetProperty("ack", out var ack) || ack.ValueKind != JsonValueKind.String)
    {
        await client.EmitAsync(name, values);
        return;
    }
    Func<IDataMessage, Task> answered = message =>
    {
        var answer = Arguments(message.RawText, 0);
        See("acked", new { @namespace = space, ack = ack.GetString(), args = answer, error = (string?)null });
        return Task.CompletedTask;
    };
    await client.EmitAsync(name, values, answered);
}

async Task Obey(string what, JsonElement command)
{
    var space = command.TryGetProperty("namespace", out var given) ? given.GetString()! : "/";
    try
    {
        switch (what)
        {
            case "connect": await Connect(command, space); break;
            case "emit": await Emit(command, space); break;
            case "disconnect": await clients[space].DisconnectAsync(); break;
            case "open": await clients[space].ConnectAsync(); break;
            case "reset":
                var left = everyone.ToList();
                everyone.Clear();
                clients.Clear();
                lock (silent) silent.UnionWith(left);
                foreach (var client in left)
                {
                    await Task.WhenAny(client.DisconnectAsync(), Task.Delay(1000));
                    client.Dispose();
                }
                See("reset");
                break;
            default: See("unknown", new { @do = what }); break;
        }
    }
    catch (Exception error)
    {
        See("threw", new { @do = what, message = $"{error.GetType().Name}: {error.Message}" });
    }
}

See("hello", new { client = "SocketIOClient", version = "4.0.0.2", features });
while (await Console.In.ReadLineAsync() is { } line)
{
    var command = JsonDocument.Parse(line).RootElement;
    var what = command.GetProperty("do").GetString()!;
    var task = Obey(what, command);
    if (what is "emit" or "reset") await task; // in order; a connection may take long
}
