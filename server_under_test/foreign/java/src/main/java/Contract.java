import com.corundumstudio.socketio.AckRequest;
import com.corundumstudio.socketio.AuthTokenResult;
import com.corundumstudio.socketio.BroadcastOperations;
import com.corundumstudio.socketio.MultiTypeAckCallback;
import com.corundumstudio.socketio.MultiTypeArgs;
import com.corundumstudio.socketio.SocketIOClient;
import com.corundumstudio.socketio.SocketIONamespace;
import com.corundumstudio.socketio.SocketIOServer;
import com.corundumstudio.socketio.transport.NamespaceClient;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** Every row of the contract. */
final class Contract {
    /** netty-socketio wants a type for each argument. A handler gets at most so many arguments. */
    private static final Class<?>[] ANY = Collections.nCopies(16, Object.class).toArray(new Class<?>[0]);

    private final SocketIONamespace namespace;

    private Contract(SocketIONamespace namespace) {
        this.namespace = namespace;
    }

    /** Registers the handlers of all namespaces. */
    static void offer(SocketIOServer server) {
        for (String name : List.of("", "/custom", "/auth")) {
            new Contract(server.addNamespace(name)).offerEvents();
        }
        // netty-socketio calls it only if the client sends auth, and has no other way to refuse a client.
        server.getNamespace("/auth").addAuthTokenListener((auth, client) ->
            Map.of("token", "good").equals(auth) ? AuthTokenResult.AuthTokenResultSuccess : refused(Map.of("message", "bad token")));
        server.addNamespace("/reject").addAuthTokenListener((auth, client) ->
            refused(Map.of("message", "not authorized", "data", Map.of("code", "E_AUTH"))));
    }

    private static AuthTokenResult refused(Object why) {
        return new AuthTokenResult(false, why);
    }

    private interface Handler {
        void handle(SocketIOClient client, List<Object> arguments, AckRequest ack);
    }

    private void on(String event, Handler handler) {
        namespace.addMultiTypeEventListener(
            event, (SocketIOClient client, MultiTypeArgs arguments, AckRequest ack) ->
                handler.handle(client, arguments.getArgs(), ack), ANY);
    }

    private void offerEvents() {
        namespace.addConnectListener(client -> {
            Object auth = client.getHandshakeData().getAuthToken();
            client.sendEvent("auth", auth == null ? Map.of() : auth);
        });
        on("message", (client, arguments, ack) -> client.sendEvent("message-back", arguments.toArray()));
        on("message-with-ack", (client, arguments, ack) -> ack.sendAckData(arguments));
        on("join", (client, arguments, ack) -> {
            client.joinRoom((String) arguments.get(0));
            ack.sendAckData(ownRooms(client));
        });
        on("leave", (client, arguments, ack) -> {
            client.leaveRoom((String) arguments.get(0));
            ack.sendAckData(ownRooms(client));
        });
        on("to", (client, arguments, ack) -> room(arguments).sendEvent((String) arguments.get(1), client, rest(arguments, 2)));
        on("in", (client, arguments, ack) -> room(arguments).sendEvent((String) arguments.get(1), rest(arguments, 2)));
        on("broadcast", (client, arguments, ack) ->
            namespace.getBroadcastOperations().sendEvent((String) arguments.get(0), client, rest(arguments, 1)));
        on("all", (client, arguments, ack) ->
            namespace.getBroadcastOperations().sendEvent((String) arguments.get(0), rest(arguments, 1)));
        on("ask", (client, arguments, ack) -> client.sendEvent(
            (String) arguments.get(0),
            new MultiTypeAckCallback(ANY) {
                @Override
                public void onSuccess(MultiTypeArgs answer) {
                    client.sendEvent("asked", answer.getArgs().toArray());
                }
            },
            rest(arguments, 1)));
        on("burst", (client, arguments, ack) -> {
            String text = "x".repeat((Integer) arguments.get(1));
            for (int number = 0; number < (Integer) arguments.get(0); number++) {
                client.sendEvent("b", number, text);
            }
        });
        on("kick", (client, arguments, ack) -> client.disconnect());
        on("kick-all", (client, arguments, ack) -> ((NamespaceClient) client).getBaseClient().disconnect());
    }

    private BroadcastOperations room(List<Object> arguments) {
        return namespace.getRoomOperations((String) arguments.get(0));
    }

    private static Object[] rest(List<Object> arguments, int from) {
        return arguments.subList(from, arguments.size()).toArray();
    }

    /** The sorted rooms of a client, without the room that bears the name of the namespace. */
    private Object ownRooms(SocketIOClient client) {
        return client.getAllRooms().stream().filter(room -> !room.equals(namespace.getName())).sorted().toList();
    }
}
