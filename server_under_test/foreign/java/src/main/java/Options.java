import com.corundumstudio.socketio.Transport;
import java.util.Arrays;

/** The command line. `sioprobe serve` has checked it; other bad input ends in one line and code 2. */
final class Options {
    String host = "127.0.0.1";
    int port = 5000;
    String[] transports = {"polling", "websocket"};
    /** Milliseconds. */
    int pingInterval = 25_000;
    /** Milliseconds. */
    int pingTimeout = 20_000;
    /** Bytes. */
    int maxPayload = 1_000_000;

    static Options read(String[] words) {
        Options options = new Options();
        for (int index = 0; index < words.length; index += 2) {
            String name = words[index];
            if (index + 1 == words.length) {
                throw problem(name + " needs a value");
            }
            String value = words[index + 1];
            try {
                options.set(name, value);
            } catch (NumberFormatException error) {
                throw problem(name + " '" + value + "' is no number, or too large");
            }
        }
        return options;
    }

    private void set(String name, String value) {
        switch (name) {
            case "--host" -> host = value;
            case "--port" -> port = Integer.parseInt(value);
            case "--transports" -> transports = value.split(",");
            case "--ping-interval" -> pingInterval = milliseconds(value);
            case "--ping-timeout" -> pingTimeout = milliseconds(value);
            case "--max-payload" -> maxPayload = Integer.parseInt(value);
            default -> throw problem("unknown option " + name);
        }
    }

    Transport[] offered() {
        return Arrays.stream(transports).map(name -> Transport.valueOf(name.toUpperCase())).toArray(Transport[]::new);
    }

    private static int milliseconds(String value) {
        return (int) Math.round(Double.parseDouble(value) * 1000);
    }

    /** Ends the process. The compiler wants the exception. */
    static RuntimeException problem(String line) {
        System.err.println(line);
        System.exit(2);
        return new IllegalArgumentException(line);
    }
}
