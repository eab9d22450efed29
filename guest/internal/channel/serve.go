// serve.go owns serving HTTP/2 on session after session; it never knows the handlers.

package channel

import (
	"net/http"

	"golang.org/x/net/http2"
)

// Serve serves handler to every host that connects, one at a time. It returns only when the port fails.
func Serve(listener *Listener, handler http.Handler) error {
	server := &http2.Server{
		MaxConcurrentStreams:         1000,
		MaxReadFrameSize:             maxFrameBytes,
		MaxUploadBufferPerConnection: 4 << 20,
		MaxUploadBufferPerStream:     1 << 20,
	}
	options := &http2.ServeConnOpts{Handler: handler, BaseConfig: &http.Server{}}
	for {
		session, err := listener.Accept()
		if err != nil {
			return err
		}
		server.ServeConn(session, options)
		// Also waits for what is still being written.
		session.Close()
	}
}
