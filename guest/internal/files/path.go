// path.go owns what a path on the wire may be; it never looks at a file.

package files

import (
	"errors"
	"strings"
)

const (
	// As the kernel's own bounds, in bytes.
	maxPath = 4095
	maxName = 255
	// At the root of /workspace or in its .git; what begins so is the agent's own and never shown.
	stagePrefix = ".pyro-stage-"
	gitName     = ".git"
)

// checkPath: relative, no empty, "." or ".." parts; "" is the root.
func checkPath(path []byte) (string, error) {
	text := string(path)
	if text == "" {
		return "", nil
	}
	if len(text) > maxPath {
		return "", invalid("path: at most %d bytes", maxPath)
	}
	for _, part := range strings.Split(text, "/") {
		if err := checkName(part); err != nil {
			return "", invalid("path %q: %w", text, err)
		}
	}
	if isHidden(text) {
		return "", invalid("path %q: names that begin with %s are the agent's", text, stagePrefix)
	}
	return text, nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("it has an empty part")
	case name == "." || name == "..":
		return errors.New(`it has a "." or ".." part`)
	case strings.IndexByte(name, 0) >= 0:
		return errors.New("it has a NUL byte")
	case len(name) > maxName:
		return errors.New("a part is longer than 255 bytes")
	}
	return nil
}

// isHidden tells whether a path below the root of /workspace is the agent's own.
func isHidden(path string) bool {
	return strings.HasPrefix(strings.TrimPrefix(path, gitName+"/"), stagePrefix)
}

func join(folder, name string) string {
	if folder == "" {
		return name
	}
	return folder + "/" + name
}

// split cuts the last part off; the folder of a name is "".
func split(path string) (folder, name string) {
	if at := strings.LastIndexByte(path, '/'); at >= 0 {
		return path[:at], path[at+1:]
	}
	return "", path
}
