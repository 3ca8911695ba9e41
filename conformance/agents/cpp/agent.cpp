// socket.io-client-cpp, for `sioprobe conform --client cpp` (CLIENT_CONTRACT.md).
// Written against its public headers, of version 3.1. Nobody has run it yet: docs/judge/clients.md says why.
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#define RAPIDJSON_HAS_STDSTRING 1
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "sio_client.h"

using Value = rapidjson::Value;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

namespace {

const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const char* const EVENTS[] = {"news"};

std::string to_base64(std::string const& data) {
    std::string text;
    for (std::size_t at = 0; at < data.size(); at += 3) {
        std::uint32_t bits = 0;
        for (std::size_t next = 0; next < 3; ++next)
            bits = bits << 8 | (at + next < data.size() ? static_cast<unsigned char>(data[at + next]) : 0);
        for (std::size_t next = 0; next < 4; ++next)
            text += at + next <= data.size() ? ALPHABET[bits >> (18 - 6 * next) & 63] : '=';
    }
    return text;
}

std::string from_base64(std::string const& text) {
    static const std::string alphabet(ALPHABET);
    std::string data;
    std::uint32_t bits = 0;
    int held = 0;
    for (char one : text) {
        std::size_t place = alphabet.find(one);
        if (place == std::string::npos) break;
        bits = bits << 6 | static_cast<std::uint32_t>(place);
        held += 6;
        if (held >= 8) data += static_cast<char>(bits >> (held -= 8) & 255);
    }
    return data;
}

void pack(Writer& writer, sio::message::ptr const& message) {
    if (!message) {
        writer.Null();
        return;
    }
    switch (message->get_flag()) {
    case sio::message::flag_null: writer.Null(); return;
    case sio::message::flag_boolean: writer.Bool(message->get_bool()); return;
    case sio::message::flag_integer: writer.Int64(message->get_int()); return;
    case sio::message::flag_double: writer.Double(message->get_double()); return;
    case sio::message::flag_string: writer.String(message->get_string()); return;
    case sio::message::flag_binary:
        writer.StartObject();
        writer.Key("$bin");
        writer.String(to_base64(*message->get_binary()));
        writer.EndObject();
        return;
    case sio::message::flag_array:
        writer.StartArray();
        for (auto const& one : message->get_vector()) pack(writer, one);
        writer.EndArray();
        return;
    case sio::message::flag_object:
        writer.StartObject();
        for (auto const& one : message->get_map()) {
            writer.Key(one.first.c_str(), static_cast<rapidjson::SizeType>(one.first.size()));
            pack(writer, one.second);
        }
        writer.EndObject();
        return;
    }
}

sio::message::ptr unpack(Value const& value) {
    if (value.IsBool()) return sio::bool_message::create(value.GetBool());
    if (value.IsInt64()) return sio::int_message::create(value.GetInt64());
    if (value.IsNumber()) return sio::double_message::create(value.GetDouble());
    if (value.IsString()) return sio::string_message::create(std::string(value.GetString(), value.GetStringLength()));
    if (value.IsArray()) {
        auto array = sio::array_message::create();
        for (auto const& one : value.GetArray()) array->get_vector().push_back(unpack(one));
        return array;
    }
    if (!value.IsObject()) return sio::null_message::create();
    if (value.HasMember("$bin"))
        return sio::binary_message::create(std::make_shared<const std::string>(from_base64(value["$bin"].GetString())));
    auto object = sio::object_message::create();
    for (auto const& one : value.GetObject())
        object->get_map()[std::string(one.name.GetString(), one.name.GetStringLength())] = unpack(one.value);
    return object;
}

// One observation: its fields are written by a function that gets the writer.
template <typename Fields>
void see(const char* seen, Fields fields) {
    static std::mutex writing;
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    writer.Key("seen");
    writer.String(seen);
    fields(writer);
    writer.EndObject();
    std::lock_guard<std::mutex> guard(writing);
    std::cout << buffer.GetString() << std::endl;
}

void text(Writer& writer, const char* name, std::string const& value) {
    writer.Key(name);
    writer.String(value);
}

void list(Writer& writer, sio::message::list const& values) {
    writer.Key("args");
    writer.StartArray();
    for (std::size_t at = 0; at < values.size(); ++at) pack(writer, values.at(at));
    writer.EndArray();
}

// What one `connect` opened.
struct Connection {
    sio::client client;
    std::string url;
    std::string space;
    sio::message::ptr auth;
    std::mutex lock;
    bool joined = false;

    void lost(std::string const& reason) {
        {
            std::lock_guard<std::mutex> guard(lock);
            if (!joined) return;
            joined = false;
        }
        see("disconnect", [&](Writer& writer) {
            text(writer, "namespace", space);
            text(writer, "reason", reason);
        });
    }

    void refused(std::string const& why, sio::message::ptr const& data = nullptr) {
        see("connect_error", [&](Writer& writer) {
            text(writer, "namespace", space);
            text(writer, "message", why);
            writer.Key("data");
            pack(writer, data);
        });
    }

    void open() {
        client.set_fail_listener([this] { refused("the connection failed"); });
        client.set_reconnect_listener([this](unsigned, unsigned) { lost("transport close"); });
        client.set_close_listener([this](sio::client::close_reason const& reason) {
            lost(reason == sio::client::close_reason_normal ? "normal" : "drop");
        });
        client.set_socket_open_listener([this](std::string const& name) {
            if (name != space) return;
            {
                std::lock_guard<std::mutex> guard(lock);
                joined = true;
            }
            see("connect", [&](Writer& writer) { text(writer, "namespace", space); });
        });
        client.set_socket_close_listener([this](std::string const& name) {
            if (name == space) lost("the namespace was closed");
        });
        // A socket that exists before `connect` has no auth.
        client.connect(url, {}, {}, auth);
        auto socket = client.socket(space);
        socket->on_error([this](sio::message::ptr const& message) {
            sio::message::ptr data;
            std::string why = "refused";
            if (message && message->get_flag() == sio::message::flag_object) {
                auto const& fields = message->get_map();
                auto found = fields.find("message");
                if (found != fields.end() && found->second->get_flag() == sio::message::flag_string)
                    why = found->second->get_string();
                found = fields.find("data");
                if (found != fields.end()) data = found->second;
            }
            refused(why, data);
        });
        for (const char* name : EVENTS) {
            socket->on(name, sio::socket::event_listener([this](sio::event& event) {
                see("event", [&](Writer& writer) {
                    text(writer, "namespace", space);
                    text(writer, "event", event.get_name());
                    list(writer, event.get_messages());
                });
                if (event.need_ack()) event.put_ack_message(event.get_messages());
            }));
        }
    }
};

std::map<std::string, std::shared_ptr<Connection>> connections;  // of each namespace, the last one

void connect(Value const& command, std::string const& space) {
    auto connection = std::make_shared<Connection>();
    Value const& options = command["options"];
    connection->url = command["url"].GetString();
    connection->space = space;
    connection->auth = options.HasMember("auth") ? unpack(options["auth"]) : sio::message::ptr();
    sio::client& client = connection->client;
    client.set_logs_quiet();
    bool again = !options.HasMember("reconnection") || options["reconnection"].GetBool();
    if (!again) client.set_reconnect_attempts(0);
    else if (options.HasMember("reconnectionAttempts"))
        client.set_reconnect_attempts(options["reconnectionAttempts"].GetInt());
    if (options.HasMember("reconnectionDelay"))
        client.set_reconnect_delay(static_cast<unsigned>(options["reconnectionDelay"].GetDouble()));
    if (options.HasMember("reconnectionDelayMax"))
        client.set_reconnect_delay_max(static_cast<unsigned>(options["reconnectionDelayMax"].GetDouble()));
    connections[space] = connection;
    connection->open();
}

void emit(Value const& command, std::string const& space) {
    sio::message::list arguments(unpack(command["args"])->get_vector());
    auto socket = connections.at(space)->client.socket(space);
    if (!command.HasMember("ack") || !command["ack"].IsString()) {
        socket->emit(command["event"].GetString(), arguments);
        return;
    }
    std::string name = command["ack"].GetString();
    socket->emit(command["event"].GetString(), arguments, [space, name](sio::message::list const& answer) {
        see("acked", [&](Writer& writer) {
            text(writer, "namespace", space);
            text(writer, "ack", name);
            list(writer, answer);
        });
    });
}

void obey(Value const& command) {
    std::string what = command["do"].GetString();
    std::string space = command.HasMember("namespace") ? command["namespace"].GetString() : "/";
    if (what == "connect") connect(command, space);
    else if (what == "emit") emit(command, space);
    else if (what == "disconnect") connections.at(space)->client.close();
    else if (what == "open") connections.at(space)->open();
    else if (what == "reset") {
        for (auto const& one : connections) {
            one.second->client.clear_con_listeners();
            one.second->client.clear_socket_listeners();
            one.second->client.close();
        }
        see("reset", [](Writer&) {});
    } else see("unknown", [&](Writer& writer) { text(writer, "do", what); });
}

}  // namespace

int main() {
    see("hello", [](Writer& writer) {
        text(writer, "client", "socket.io-client-cpp");
        text(writer, "version", "3.1");
        writer.Key("fresh");  // each case gets a process of its own: what is left of a connection ends with it
        writer.Bool(true);
        writer.Key("features");
        writer.StartArray();
        for (const char* one : {"websocket", "reconnection", "namespaces", "auth", "connect_error_data", "ack_in",
                                "ack_out", "binary"})
            writer.String(one);
        writer.EndArray();
    });
    std::string line;
    while (std::getline(std::cin, line)) {
        rapidjson::Document command;
        command.Parse(line.c_str(), line.size());
        if (!command.IsObject()) continue;
        try {
            obey(command);
        } catch (std::exception const& error) {
            see("threw", [&](Writer& writer) {
                text(writer, "do", command["do"].GetString());
                text(writer, "message", error.what());
            });
        }
    }
    std::_Exit(0);
}
