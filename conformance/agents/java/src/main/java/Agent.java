import io.socket.client.Ack;
import io.socket.client.AckWithTimeout;
import io.socket.client.IO;
import io.socket.client.Socket;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** socket.io-client-java, for `sioprobe conform --client java` (CLIENT_CONTRACT.md). */
public final class Agent {
    private static final String[] EVENTS = {"news", "twice", "late", "throw", "wait"};
    private static final String[] FEATURES = {
        "polling", "websocket", "upgrade", "reconnection", "namespaces", "multiplex", "auth", "ack_in", "ack_out",
        "ack_late", "ack_timeout", "binary", "connect_error_data", "id", "throw", "buffer", "wait",
        "path", "query", "headers", "headers_websocket", "timestamp_requests", "remember_upgrade", "tls"
    };

    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    private static final Map<String, Socket> sockets = new HashMap<>(); // of each namespace, the last one
    private static final List<Socket> all = new ArrayList<>();
    private static final List<Runnable> late = new ArrayList<>(); // acks that are given later

    public static void main(String[] words) throws Exception {
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, error) -> see("unhandled", "message", String.valueOf(error)));
        see("hello", "client", "socket.io-client-java", "version", "2.1.2", "features",
                new JSONArray(Arrays.asList(FEATURES)));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            JSONObject command = new JSONObject(line);
            try {
                obey(command);
            } catch (Exception error) {
                see("threw", "do", command.getString("do"), "message", String.valueOf(error.getMessage()));
            }
        }
        System.exit(0);
    }

    private static void obey(JSONObject command) throws Exception {
        String namespace = command.optString("namespace", "/");
        switch (command.getString("do")) {
            case "connect" -> connect(command.getString("url"), namespace, command.getJSONObject("options"));
            case "emit" -> emit(namespace, command);
            case "open" -> sockets.get(namespace).connect();
            case "disconnect" -> sockets.get(namespace).disconnect();
            case "ack" -> {
                late.forEach(Runnable::run);
                late.clear();
            }
            case "reset" -> {
                for (Socket socket : all) {
                    socket.off();
                    socket.io().reconnection(false);
                    socket.disconnect();
                }
                all.clear();
                sockets.clear();
                late.clear();
                see("reset");
            }
            default -> see("unknown", "do", command.getString("do"));
        }
    }

    private static IO.Options read(JSONObject given) throws Exception {
        IO.Options options = new IO.Options();
        options.forceNew = given.optBoolean("forceNew", false);
        options.reconnection = given.optBoolean("reconnection", true);
        options.reconnectionAttempts = given.optInt("reconnectionAttempts", options.reconnectionAttempts);
        options.reconnectionDelay = given.optLong("reconnectionDelay", options.reconnectionDelay);
        options.reconnectionDelayMax = given.optLong("reconnectionDelayMax", options.reconnectionDelayMax);
        options.randomizationFactor = given.optDouble("randomizationFactor", options.randomizationFactor);
        options.timeout = given.optLong("timeout", options.timeout);
        options.path = given.optString("path", options.path);
        options.timestampRequests = given.optBoolean("timestampRequests", options.timestampRequests);
        options.rememberUpgrade = given.optBoolean("rememberUpgrade", false);
        if (given.has("ca")) {
            OkHttpClient client = trusting(given.getString("ca"));
            options.callFactory = client;
            options.webSocketFactory = client;
        }
        if (given.has("transports")) {
            options.transports = strings(given.getJSONArray("transports"));
        }
        if (given.has("auth")) {
            options.auth = new HashMap<>();
            for (String name : names(given.getJSONObject("auth"))) {
                if (!(given.getJSONObject("auth").get(name) instanceof String value)) {
                    throw new IllegalArgumentException("the values of IO.Options.auth are strings");
                }
                options.auth.put(name, value);
            }
        }
        if (given.has("query")) {
            List<String> parts = new ArrayList<>();
            for (String name : names(given.getJSONObject("query"))) {
                parts.add(encoded(name) + "=" + encoded(given.getJSONObject("query").getString(name)));
            }
            options.query = String.join("&", parts);
        }
        if (given.has("extraHeaders")) {
            options.extraHeaders = new HashMap<>();
            for (String name : names(given.getJSONObject("extraHeaders"))) {
                options.extraHeaders.put(name, List.of(given.getJSONObject("extraHeaders").getString(name)));
            }
        }
        return options;
    }

    /** A client that trusts this certificate (PEM), and no others; with the read timeout of the library's own. */
    private static OkHttpClient trusting(String authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        byte[] pem = authority.getBytes(StandardCharsets.UTF_8);
        store.setCertificateEntry("authority",
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem)));
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        X509TrustManager manager = (X509TrustManager) factory.getTrustManagers()[0];
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new X509TrustManager[] {manager}, null);
        return new OkHttpClient.Builder()
                .readTimeout(1, TimeUnit.MINUTES)
                .sslSocketFactory(context.getSocketFactory(), manager)
                .build();
    }

    private static void connect(String url, String namespace, JSONObject given) throws Exception {
        Socket socket = IO.socket(URI.create(url + (namespace.equals("/") ? "" : namespace)), read(given));
        all.add(socket);
        if (sockets.put(namespace, socket) == socket) {
            socket.connect();
            return;
        }
        socket.on(Socket.EVENT_CONNECT, args -> see("connect", "namespace", namespace, "id", socket.id()));
        socket.on(Socket.EVENT_DISCONNECT, args -> see("disconnect", "namespace", namespace, "reason", args[0]));
        socket.on(Socket.EVENT_CONNECT_ERROR, args -> {
            boolean refused = args[0] instanceof JSONObject;
            Object message = refused ? ((JSONObject) args[0]).opt("message") : String.valueOf(args[0]);
            Object data = refused ? ((JSONObject) args[0]).opt("data") : null;
            see("connect_error", "namespace", namespace, "message", message, "data", data);
        });
        for (String event : EVENTS) {
            socket.on(event, args -> heard(namespace, event, args));
        }
        socket.connect();
    }

    private static void heard(String namespace, String event, Object... args) {
        Ack ack = args.length > 0 && args[args.length - 1] instanceof Ack last ? last : null;
        Object[] values = ack == null ? args : Arrays.copyOf(args, args.length - 1);
        see("event", "namespace", namespace, "event", event, "args", packed(values), "ack", ack != null);
        if (event.equals("wait")) {
            CountDownLatch go = new CountDownLatch(1);
            late.add(go::countDown);
            try {
                go.await(10, TimeUnit.SECONDS);
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
            }
        }
        if (event.equals("throw")) {
            throw new IllegalStateException("the application throws");
        }
        if (event.equals("late") && ack != null) {
            late.add(() -> ack.call(values));
        } else if (ack != null) {
            ack.call(values);
        }
        if (event.equals("twice") && ack != null) {
            ack.call(values);
        }
    }

    private static void emit(String namespace, JSONObject command) throws Exception {
        Socket socket = sockets.get(namespace);
        JSONArray given = command.getJSONArray("args");
        Object[] values = new Object[given.length()];
        for (int at = 0; at < values.length; at++) {
            values[at] = unpacked(given.get(at));
        }
        Object ack = command.opt("ack");
        if (ack == null || ack == JSONObject.NULL || ack.equals(false)) {
            socket.emit(command.getString("event"), values);
            return;
        }
        Ack callback = answer -> acked(namespace, ack, null, answer);
        if (command.optLong("timeout", 0) > 0) {
            callback = new AckWithTimeout(command.getLong("timeout")) {
                @Override
                public void onSuccess(Object... answer) {
                    acked(namespace, ack, null, answer);
                }

                @Override
                public void onTimeout() {
                    acked(namespace, ack, "timeout");
                }
            };
        }
        socket.emit(command.getString("event"), values, callback);
    }

    private static void acked(String namespace, Object ack, String error, Object... answer) {
        see("acked", "namespace", namespace, "ack", ack, "args", packed(answer), "error", error);
    }

    private static void see(String what, Object... fields) {
        try {
            JSONObject word = new JSONObject().put("seen", what);
            for (int at = 0; at < fields.length; at += 2) {
                word.put((String) fields[at], fields[at + 1] == null ? JSONObject.NULL : fields[at + 1]);
            }
            synchronized (OUT) {
                OUT.println(word);
                OUT.flush();
            }
        } catch (JSONException error) {
            throw new IllegalStateException(error);
        }
    }

    private static Object packed(Object value) {
        try {
            if (value instanceof byte[] bytes) {
                return new JSONObject().put("$bin", Base64.getEncoder().encodeToString(bytes));
            }
            if (value instanceof Object[] values) {
                JSONArray list = new JSONArray();
                for (Object one : values) {
                    list.put(one == null ? JSONObject.NULL : packed(one));
                }
                return list;
            }
            if (value instanceof JSONArray values) {
                JSONArray list = new JSONArray();
                for (int at = 0; at < values.length(); at++) {
                    list.put(packed(values.get(at)));
                }
                return list;
            }
            if (value instanceof JSONObject values) {
                JSONObject object = new JSONObject();
                for (String name : names(values)) {
                    object.put(name, packed(values.get(name)));
                }
                return object;
            }
            return value;
        } catch (JSONException error) {
            throw new IllegalStateException(error);
        }
    }

    private static Object unpacked(Object value) throws JSONException {
        if (value instanceof JSONArray values) {
            JSONArray list = new JSONArray();
            for (int at = 0; at < values.length(); at++) {
                list.put(unpacked(values.get(at)));
            }
            return list;
        }
        if (value instanceof JSONObject values) {
            if (values.opt("$bin") instanceof String text) {
                return Base64.getDecoder().decode(text);
            }
            JSONObject object = new JSONObject();
            for (String name : names(values)) {
                object.put(name, unpacked(values.get(name)));
            }
            return object;
        }
        return value;
    }

    private static List<String> names(JSONObject object) {
        List<String> found = new ArrayList<>();
        for (Iterator<?> names = object.keys(); names.hasNext(); ) {
            found.add((String) names.next());
        }
        return found;
    }

    private static String[] strings(JSONArray given) throws JSONException {
        String[] found = new String[given.length()];
        for (int at = 0; at < found.length; at++) {
            found[at] = given.getString(at);
        }
        return found;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
