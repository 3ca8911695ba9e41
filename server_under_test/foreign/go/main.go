// The contract of the conformance cases on github.com/zishang520/socket.io, a server in Go.
//
//	server --port 5000 [--host 127.0.0.1] [--transports polling,websocket]
//	       [--ping-interval 25] [--ping-timeout 20] [--max-payload 1000000]
//
// It prints one line that begins with READY. SIGTERM or SIGINT disconnects every client and ends it with code 0.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/zishang520/socket.io/servers/engine/v3"
	"github.com/zishang520/socket.io/servers/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

const module = "github.com/zishang520/socket.io/"

// A stopping server waits so long for its clients.
const stopDeadline = 2 * time.Second

var (
	host         = flag.String("host", "127.0.0.1", "address to listen on")
	port         = flag.Uint("port", 5000, "0 takes a free one")
	names        = flag.String("transports", "polling,websocket", "what is offered")
	pingInterval = flag.Float64("ping-interval", 25, "seconds")
	pingTimeout  = flag.Float64("ping-timeout", 20, "seconds")
	maxPayload   = flag.Int64("max-payload", 1_000_000, "bytes")
)

func main() {
	flag.Parse()
	io := socket.NewServer(nil, options())
	offerContract(io)
	endpoint := io.ServeHandler(nil)

	listener, err := net.Listen("tcp", net.JoinHostPort(*host, fmt.Sprint(*port)))
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot listen on %s port %d: %v\n", *host, *port, err)
		os.Exit(2)
	}
	about, _ := json.Marshal(describe(listener.Addr().(*net.TCPAddr).Port))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go serve(listener, endpoint, about)
	fmt.Printf("READY %s\n", about)

	<-stop
	io.Of("/", nil).DisconnectSockets(true)
	for deadline := time.Now().Add(stopDeadline); io.Engine().ClientsCount() > 0 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
}

func options() *socket.ServerOptions {
	options := socket.DefaultServerOptions()
	options.SetPingInterval(seconds(*pingInterval))
	options.SetPingTimeout(seconds(*pingTimeout))
	options.SetMaxHttpBufferSize(*maxPayload)
	options.SetCors(&types.Cors{Origin: "*"})
	options.SetServeClient(false)
	offered := types.NewSet[engine.TransportCtor]()
	for _, name := range strings.Split(*names, ",") {
		offered.Add(map[string]engine.TransportCtor{"polling": engine.Polling, "websocket": engine.WebSocket}[name])
	}
	options.SetTransports(offered)
	return options
}

func seconds(number float64) time.Duration {
	return time.Duration(number * float64(time.Second))
}

// serve answers the endpoint and GET /about. Every other path is unknown.
func serve(listener net.Listener, endpoint http.Handler, about []byte) {
	err := http.Serve(listener, http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		switch {
		case strings.HasPrefix(request.URL.Path, "/socket.io/"):
			endpoint.ServeHTTP(writer, request)
		case request.URL.Path == "/about":
			writer.Header().Set("Content-Type", "application/json")
			_, _ = writer.Write(about)
		default:
			http.NotFound(writer, request)
		}
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// describe returns the object after READY and under GET /about.
func describe(port int) map[string]any {
	versions := map[string]string{"go": strings.TrimPrefix(runtime.Version(), "go")}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range build.Deps {
			switch dependency.Path {
			case module + "servers/socket/v3":
				versions["zishang520/socket.io"] = strings.TrimPrefix(dependency.Version, "v")
			case module + "servers/engine/v3":
				versions["zishang520/engine.io"] = strings.TrimPrefix(dependency.Version, "v")
			}
		}
	}
	return map[string]any{
		"urls":           []string{fmt.Sprintf("http://%s:%d", *host, port)},
		"pids":           []int{os.Getpid()},
		"server":         "zishang520",
		"detected":       false,
		"transports":     strings.Split(*names, ","),
		"always_connect": true,
		"nagle":          false,
		"workers":        1,
		"queue":          nil,
		"queue_url":      nil,
		"versions":       versions,
	}
}
