import com.corundumstudio.socketio.AckMode;
import com.corundumstudio.socketio.Configuration;
import com.corundumstudio.socketio.SocketConfig;
import com.corundumstudio.socketio.SocketIOServer;
import java.io.IOException;
import java.net.ServerSocket;
import java.util.ArrayList;

/**
 * The contract of the conformance cases on netty-socketio, a server in Java.
 *
 * <pre>
 * java Server --port 5000 [--host 127.0.0.1] [--transports polling,websocket]
 *             [--ping-interval 25] [--ping-timeout 20] [--max-payload 1000000]
 * </pre>
 *
 * The server prints one line that begins with READY. SIGTERM or SIGINT disconnects every client and ends it with
 * code 0.
 */
public final class Server {
    private Server() {}

    public static void main(String[] words) throws IOException {
        Options options = Options.read(words);
        int port = options.port == 0 ? freePort() : options.port;
        About about = new About(options, port);
        SocketIOServer server = new SocketIOServer(configuration(options, port));
        server.setPipelineFactory(about.pipeline());
        Contract.offer(server);
        try {
            server.start();
        } catch (Exception error) {
            throw Options.problem("cannot listen on " + options.host + " port " + port + ": " + error.getMessage());
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server)));
        System.out.println("READY " + about.json);
    }

    private static Configuration configuration(Options options, int port) {
        Configuration configuration = new Configuration();
        configuration.setHostname(options.host);
        configuration.setPort(port);
        configuration.setTransports(options.offered());
        configuration.setPingInterval(options.pingInterval);
        configuration.setPingTimeout(options.pingTimeout);
        configuration.setMaxHttpContentLength(options.maxPayload);
        configuration.setMaxFramePayloadLength(options.maxPayload);
        // The handlers of the contract acknowledge by themselves.
        configuration.setAckMode(AckMode.MANUAL);
        // Otherwise all clients of one browser share the session id in its cookie.
        configuration.setRandomSession(true);
        SocketConfig sockets = new SocketConfig();
        // A load test opens a thousand connections at once.
        sockets.setAcceptBackLog(4096);
        sockets.setReuseAddress(true);
        configuration.setSocketConfig(sockets);
        return configuration;
    }

    /** netty-socketio does not say which port it got. */
    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0)) {
            return probe.getLocalPort();
        }
    }

    private static void stop(SocketIOServer server) {
        new ArrayList<>(server.getAllClients()).forEach(client -> client.disconnect());
        server.stop();
        // A signal ends a JVM with 128 plus its number. Here a signal is no failure.
        Runtime.getRuntime().halt(0);
    }
}
