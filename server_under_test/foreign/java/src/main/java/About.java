import com.corundumstudio.socketio.SocketIOChannelInitializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** The object after READY, and a handler before the library's own that answers GET /about with it. */
@Sharable
final class About extends ChannelInboundHandlerAdapter {
    final String json;

    About(Options options, int port) throws IOException {
        Map<String, Object> about = new LinkedHashMap<>();
        about.put("urls", List.of("http://" + options.host + ":" + port));
        about.put("pids", List.of(ProcessHandle.current().pid()));
        about.put("server", "netty-socketio");
        about.put("detected", false);
        about.put("transports", Arrays.asList(options.transports));
        about.put("always_connect", true);
        about.put("nagle", false);
        about.put("workers", 1);
        about.put("queue", null);
        about.put("queue_url", null);
        // Its polling answers of Engine.IO 3 put a separator between packets with lengths. No client can read them.
        about.put("capabilities", Map.of("eio3", false));
        about.put("versions", Map.of(
            "netty-socketio", version("com.corundumstudio.socketio", "netty-socketio"),
            "netty", version("io.netty", "netty-transport"),
            "java", Runtime.version().toString()));
        json = new ObjectMapper().writeValueAsString(about);
    }

    private static String version(String group, String artifact) throws IOException {
        String name = "/META-INF/maven/" + group + "/" + artifact + "/pom.properties";
        try (InputStream file = About.class.getResourceAsStream(name)) {
            Properties properties = new Properties();
            if (file != null) {
                properties.load(file);
            }
            return properties.getProperty("version", "unknown");
        }
    }

    /** The library's pipeline with this handler in it. */
    SocketIOChannelInitializer pipeline() {
        return new SocketIOChannelInitializer() {
            @Override
            protected void addSocketioHandlers(ChannelPipeline pipeline) {
                super.addSocketioHandlers(pipeline);
                pipeline.addBefore(PACKET_HANDLER, "about", About.this);
            }
        };
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!(message instanceof FullHttpRequest request) || !request.uri().equals("/about")) {
            context.fireChannelRead(message);
            return;
        }
        request.release();
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        DefaultFullHttpResponse response =
            new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, Unpooled.wrappedBuffer(body));
        response.headers().set("Content-Type", "application/json").setInt("Content-Length", body.length);
        context.writeAndFlush(response);
    }
}
