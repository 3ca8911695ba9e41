package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/zishang520/socket.io/servers/socket/v3"
)

// offerContract registers the handlers of all namespaces.
func offerContract(io *socket.Server) {
	for _, name := range []string{"/", "/custom", "/auth"} {
		namespace := io.Of(name, nil)
		_ = namespace.On("connection", func(arguments ...any) {
			offerEvents(namespace, arguments[0].(*socket.Socket))
		})
	}
	io.Of("/auth", nil).Use(func(client *socket.Socket, next func(*socket.ExtendedError)) {
		if client.Handshake().Auth["token"] == "good" {
			next(nil)
		} else {
			next(socket.NewExtendedError("bad token", nil))
		}
	})
	io.Of("/reject", nil).Use(func(client *socket.Socket, next func(*socket.ExtendedError)) {
		next(socket.NewExtendedError("not authorized", map[string]string{"code": "E_AUTH"}))
	})
}

func offerEvents(namespace socket.Namespace, client *socket.Socket) {
	auth := client.Handshake().Auth
	if auth == nil {
		auth = map[string]any{}
	}
	_ = client.Emit("auth", auth)

	on(client, "message", func(arguments []any, _ socket.Ack) error {
		return client.Emit("message-back", arguments...)
	})
	on(client, "message-with-ack", func(arguments []any, ack socket.Ack) error {
		ack(arguments, nil)
		return nil
	})
	on(client, "join", func(arguments []any, ack socket.Ack) error {
		client.Join(room(arguments[0]))
		return answerRooms(client, ack)
	})
	on(client, "leave", func(arguments []any, ack socket.Ack) error {
		client.Leave(room(arguments[0]))
		return answerRooms(client, ack)
	})
	on(client, "to", func(arguments []any, _ socket.Ack) error {
		return client.To(room(arguments[0])).Emit(arguments[1].(string), arguments[2:]...)
	})
	on(client, "in", func(arguments []any, _ socket.Ack) error {
		return namespace.To(room(arguments[0])).Emit(arguments[1].(string), arguments[2:]...)
	})
	on(client, "broadcast", func(arguments []any, _ socket.Ack) error {
		return client.Broadcast().Emit(arguments[0].(string), arguments[1:]...)
	})
	on(client, "all", func(arguments []any, _ socket.Ack) error {
		return namespace.Emit(arguments[0].(string), arguments[1:]...)
	})
	on(client, "ask", func(arguments []any, _ socket.Ack) error {
		var answered socket.Ack = func(answer []any, err error) {
			if err == nil {
				_ = client.Emit("asked", answer...)
			}
		}
		return client.Emit(arguments[0].(string), append(slices.Clone(arguments[1:]), answered)...)
	})
	on(client, "burst", func(arguments []any, _ socket.Ack) error {
		text := strings.Repeat("x", int(arguments[1].(float64)))
		for number := range int(arguments[0].(float64)) {
			if err := client.Emit("b", number, text); err != nil {
				return err
			}
		}
		return nil
	})
	on(client, "kick", func([]any, socket.Ack) error {
		client.Disconnect(false)
		return nil
	})
	on(client, "kick-all", func([]any, socket.Ack) error {
		client.Disconnect(true)
		return nil
	})
}

// on registers a handler and logs its errors. A panic would end the process.
// The ack does nothing if the client asked for none.
func on(client *socket.Socket, event string, handler func(arguments []any, ack socket.Ack) error) {
	_ = client.On(event, func(arguments ...any) {
		defer func() {
			if problem := recover(); problem != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", event, problem)
			}
		}()
		var ack socket.Ack = func([]any, error) {}
		if last := len(arguments) - 1; last >= 0 {
			if asked, ok := arguments[last].(socket.Ack); ok {
				arguments, ack = arguments[:last], asked
			}
		}
		if err := handler(arguments, ack); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", event, err)
		}
	})
}

func room(argument any) socket.Room {
	return socket.Room(argument.(string))
}

// answerRooms acknowledges with the sorted rooms of a client, without the room that bears its id.
func answerRooms(client *socket.Socket, ack socket.Ack) error {
	rooms := []string{}
	for _, name := range client.Rooms().Keys() {
		if name != socket.Room(client.Id()) {
			rooms = append(rooms, string(name))
		}
	}
	slices.Sort(rooms)
	ack([]any{rooms}, nil)
	return nil
}
