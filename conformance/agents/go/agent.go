// The client of zishang520/socket.io, for `sioprobe conform --client go` (CLIENT_CONTRACT.md).
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/zishang520/socket.io/clients/engine/v3"
	"github.com/zishang520/socket.io/clients/engine/v3/transports"
	"github.com/zishang520/socket.io/clients/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

type (
	object = map[string]any
	give   = func([]any, error) // how the client names an ack
)

var (
	events   = []string{"news", "twice", "late", "throw", "wait"}
	features = []string{
		"polling", "websocket", "upgrade", "reconnection", "namespaces", "multiplex", "auth", "ack_in", "ack_out",
		"ack_late", "ack_timeout", "binary", "connect_error_data", "id", "throw", "buffer", "volatile", "retries",
		"recovery", "wait", "path", "add_trailing_slash", "query", "headers",
		"headers_websocket", "cookies", "force_base64", "timestamp_requests", "protocols", "auto_connect",
		"remember_upgrade", "try_all_transports", "tls",
	}
	constructors = map[string]transports.TransportCtor{"polling": transports.Polling, "websocket": transports.WebSocket}

	sockets = map[string]*socket.Socket{} // of each namespace, the last one
	all     []*socket.Socket

	lock sync.Mutex // of what follows, and of the output
	late []func()   // acks that are given later
)

func main() {
	see("hello", object{"client": "zishang520/socket.io-client", "version": strings.TrimPrefix(socket.VERSION, "v"), "features": features, "fresh": true})
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var command object
		if json.Unmarshal(line, &command) != nil {
			continue
		}
		if err := obey(command); err != nil {
			see("threw", object{"do": command["do"], "message": err.Error()})
		}
	}
}

func obey(command object) error {
	namespace, ok := command["namespace"].(string)
	if !ok {
		namespace = "/"
	}
	switch command["do"] {
	case "connect":
		return connect(command["url"].(string), namespace, command["options"].(object))
	case "emit":
		return emit(namespace, command)
	case "open":
		sockets[namespace].Connect()
	case "disconnect":
		sockets[namespace].Disconnect()
	case "ack":
		for _, answer := range takeLate() {
			answer()
		}
	case "reset":
		for _, one := range all {
			one.Clear()
			one.Io().SetReconnection(false)
			one.Disconnect()
		}
		all, sockets = nil, map[string]*socket.Socket{}
		takeLate()
		see("reset", object{})
	default:
		see("unknown", object{"do": command["do"]})
	}
	return nil
}

func takeLate() []func() {
	lock.Lock()
	defer lock.Unlock()
	taken := late
	late = nil
	return taken
}

func connect(address, namespace string, given object) error {
	if namespace != "/" {
		address += namespace
	}
	client, err := socket.Connect(address, read(given))
	if err != nil {
		return err
	}
	known := sockets[namespace]
	sockets[namespace] = client
	all = append(all, client)
	if client == known {
		return nil
	}
	on := func(event string, listener func(...any)) {
		_ = client.On(types.EventName(event), listener)
	}
	on("connect", func(...any) {
		see("connect", object{"namespace": namespace, "id": client.Id(), "recovered": client.Recovered()})
	})
	on("disconnect", func(args ...any) { see("disconnect", object{"namespace": namespace, "reason": args[0]}) })
	on("connect_error", func(args ...any) {
		fields := object{"namespace": namespace, "message": fmt.Sprint(args...), "data": nil}
		var refused *types.ExtendedError
		if err, ok := args[0].(error); ok && errors.As(err, &refused) {
			fields["message"], fields["data"] = refused.Message, pack(refused.Data)
		}
		see("connect_error", fields)
	})
	for _, event := range events {
		on(event, func(args ...any) { heard(namespace, event, args) })
	}
	return nil
}

func read(given object) *socket.Options {
	options := socket.DefaultOptions()
	if names, ok := given["transports"].([]any); ok {
		wanted := &order{names: names}
		chosen := types.NewSet[transports.TransportCtor]()
		for range names {
			chosen.Add(&turn{wanted})
		}
		options.SetTransports(chosen)
	}
	if value, ok := given["forceNew"].(bool); ok {
		options.SetForceNew(value)
		options.SetMultiplex(!value) // it is false by default
	}
	for name, set := range map[string]func(bool){
		"reconnection":      options.SetReconnection,
		"addTrailingSlash":  options.SetAddTrailingSlash,
		"autoConnect":       options.SetAutoConnect,
		"forceBase64":       options.SetForceBase64,
		"rememberUpgrade":   options.SetRememberUpgrade,
		"timestampRequests": options.SetTimestampRequests,
		"tryAllTransports":  options.SetTryAllTransports,
		"withCredentials":   options.SetWithCredentials,
	} {
		if value, ok := given[name].(bool); ok {
			set(value)
		}
	}
	if values, ok := given["protocols"].([]any); ok {
		protocols := []string{}
		for _, value := range values {
			protocols = append(protocols, fmt.Sprint(value))
		}
		options.SetProtocols(protocols)
	}
	if value, ok := given["ca"].(string); ok {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(value))
		options.SetTLSClientConfig(&tls.Config{RootCAs: pool})
	}
	for name, set := range map[string]func(float64){
		"reconnectionAttempts": options.SetReconnectionAttempts,
		"reconnectionDelay":    options.SetReconnectionDelay,
		"reconnectionDelayMax": options.SetReconnectionDelayMax,
		"randomizationFactor":  options.SetRandomizationFactor,
		"retries":              options.SetRetries,
	} {
		if value, ok := given[name].(float64); ok {
			set(value)
		}
	}
	for name, set := range map[string]func(time.Duration){
		"timeout":    options.SetTimeout,
		"ackTimeout": options.SetAckTimeout,
	} {
		if value, ok := given[name].(float64); ok {
			set(milliseconds(value))
		}
	}
	if value, ok := given["path"].(string); ok {
		options.SetPath(value)
	}
	if value, ok := given["auth"].(object); ok {
		options.SetAuth(value)
	}
	if values, ok := given["query"].(object); ok {
		query := url.Values{}
		for name, value := range values {
			query.Set(name, fmt.Sprint(value))
		}
		options.SetQuery(query)
	}
	if values, ok := given["extraHeaders"].(object); ok {
		headers := http.Header{}
		for name, value := range values {
			headers.Set(name, fmt.Sprint(value))
		}
		options.SetExtraHeaders(headers)
	}
	return options
}

// The client keeps its transports in a set, which has no order, and begins with any of them. So a turn gets its
// name when the client asks for it: the first has the name that the case wants first.
type (
	order struct {
		names []any
		asked int
	}
	turn struct{ of *order }
)

func (t *turn) Name() string {
	name := t.of.names[t.of.asked%len(t.of.names)].(string)
	t.of.asked++
	return name
}

func (t *turn) New(client engine.Socket, options engine.SocketOptionsInterface) engine.Transport {
	return constructors[options.Query().Get("transport")].New(client, options)
}

func milliseconds(value float64) time.Duration {
	return time.Duration(value * float64(time.Millisecond))
}

func heard(namespace, event string, args []any) {
	var ack give
	if len(args) > 0 {
		if last, ok := args[len(args)-1].(give); ok {
			ack, args = last, args[:len(args)-1]
		}
	}
	goOn := make(chan struct{})
	if event == "wait" {
		lock.Lock()
		late = append(late, func() { close(goOn) })
		lock.Unlock()
	}
	see("event", object{"namespace": namespace, "event": event, "args": packAll(args), "ack": ack != nil})
	if event == "wait" {
		<-goOn
	}
	if event == "throw" {
		panic("the application throws")
	}
	if ack == nil {
		return
	}
	switch event {
	case "late":
		lock.Lock()
		late = append(late, func() { ack(args, nil) })
		lock.Unlock()
	case "twice":
		ack(args, nil)
		ack(args, nil)
	default:
		ack(args, nil)
	}
}

func emit(namespace string, command object) error {
	client := sockets[namespace]
	if command["volatile"] == true {
		client = client.Volatile()
	}
	values := unpack(command["args"]).([]any)
	name := command["ack"]
	if name == nil || name == false {
		return client.Emit(command["event"].(string), values...)
	}
	if timeout, ok := command["timeout"].(float64); ok {
		client = client.Timeout(milliseconds(timeout))
	}
	acked := func(answer []any, err error) {
		fields := object{"namespace": namespace, "ack": name, "args": packAll(answer), "error": nil}
		if err != nil {
			fields["error"] = err.Error()
		}
		see("acked", fields)
	}
	return client.Emit(command["event"].(string), append(values, acked)...)
}

func see(what string, fields object) {
	fields["seen"] = what
	line, err := json.Marshal(fields)
	if err != nil {
		line, _ = json.Marshal(object{"seen": "unhandled", "message": err.Error()})
	}
	lock.Lock()
	defer lock.Unlock()
	_, _ = os.Stdout.Write(append(line, '\n'))
}

func packAll(values []any) []any {
	packed := make([]any, 0, len(values))
	for _, value := range values {
		packed = append(packed, pack(value))
	}
	return packed
}

func pack(value any) any {
	switch value := value.(type) {
	case types.BufferInterface:
		return object{"$bin": base64.StdEncoding.EncodeToString(value.Bytes())}
	case []byte:
		return object{"$bin": base64.StdEncoding.EncodeToString(value)}
	case []any:
		return packAll(value)
	case object:
		packed := object{}
		for name, one := range value {
			packed[name] = pack(one)
		}
		return packed
	}
	return value
}

func unpack(value any) any {
	switch value := value.(type) {
	case []any:
		unpacked := make([]any, 0, len(value))
		for _, one := range value {
			unpacked = append(unpacked, unpack(one))
		}
		return unpacked
	case object:
		if text, ok := value["$bin"].(string); ok {
			data, _ := base64.StdEncoding.DecodeString(text)
			return data
		}
		unpacked := object{}
		for name, one := range value {
			unpacked[name] = unpack(one)
		}
		return unpacked
	}
	return value
}
