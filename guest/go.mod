module pyro/guest

go 1.24.0

require (
	connectrpc.com/connect v1.19.1
	golang.org/x/net v0.47.0
	golang.org/x/sys v0.38.0
	google.golang.org/protobuf v1.36.10
)

require golang.org/x/text v0.31.0 // indirect

tool (
	connectrpc.com/connect/cmd/protoc-gen-connect-go
	google.golang.org/protobuf/cmd/protoc-gen-go
)
