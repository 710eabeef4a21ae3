// Ask the API who I am, with net/http: a token by certificate, then one call with both.
//
// usage: go run client.go <client id>
// Reads .local/endpoints.json; for a real deployment set BASE_URL, CERT and KEY.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const help = `usage: go run client.go <client id>
Reads .local/endpoints.json; for a real deployment set BASE_URL, CERT and KEY.`

const timeout = 10 * time.Second

// errUsage marks what the caller must change before anything can be asked.
var errUsage = errors.New("usage")

type endpoint struct {
	BaseURL  string `json:"base_url"`
	Address  string `json:"address"`
	ServerCA string `json:"server_ca"`
}

func main() {
	answer, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		if errors.Is(err, errUsage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
	fmt.Println(answer)
}

func run(args []string) (string, error) {
	if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") {
		return help, nil
	}
	if len(args) != 1 {
		return "", fmt.Errorf("%w: go run client.go <client id>", errUsage)
	}
	clientID, local := args[0], env("MTLS_LOCAL_DIR", ".local")
	api, err := findEndpoint(local)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(local, "clients", clientID)
	certificate, err := tls.LoadX509KeyPair(
		env("CERT", filepath.Join(folder, "client.crt")), env("KEY", filepath.Join(folder, "client.key")))
	if err != nil {
		return "", fmt.Errorf("%w: certificate and key: %v\nhint: set CERT and KEY to PEM files", errUsage, err)
	}
	client, err := newClient(api, certificate)
	if err != nil {
		return "", err
	}
	return whoami(client, api.BaseURL, clientID, env("SCOPE", "api/read"))
}

func findEndpoint(local string) (endpoint, error) {
	if baseURL := os.Getenv("BASE_URL"); baseURL != "" {
		return endpoint{strings.TrimRight(baseURL, "/"), os.Getenv("ADDRESS"), os.Getenv("SERVER_CA")}, nil
	}
	content, err := os.ReadFile(filepath.Join(local, "endpoints.json"))
	if err != nil {
		return endpoint{}, fmt.Errorf(
			"%w: %v\nhint: start the platform with `make demo`, or set BASE_URL for another deployment", errUsage, err)
	}
	var endpoints map[string]endpoint
	if err := json.Unmarshal(content, &endpoints); err != nil {
		return endpoint{}, fmt.Errorf("%w: endpoints.json: %v", errUsage, err)
	}
	name := env("ENVIRONMENT", "dev")
	found, known := endpoints[name]
	if !known {
		return endpoint{}, fmt.Errorf("%w: endpoints.json knows no environment %q", errUsage, name)
	}
	return found, nil
}

// newClient presents the certificate. The name stays the URL's for SNI, certificate check and Host header; only
// the address may differ.
func newClient(api endpoint, certificate tls.Certificate) (*http.Client, error) {
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if api.ServerCA != "" {
		pem, err := os.ReadFile(api.ServerCA)
		if err != nil {
			return nil, fmt.Errorf("%w: server CA: %v", errUsage, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: %s holds no certificate", errUsage, api.ServerCA)
		}
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, Proxy: http.ProxyFromEnvironment}
	if api.Address != "" {
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, api.Address)
		}
	}
	return &http.Client{Transport: transport, Timeout: timeout}, nil
}

func whoami(client *http.Client, baseURL, clientID, scope string) (string, error) {
	issued, err := client.PostForm(baseURL+"/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {clientID}, "scope": {scope},
	})
	body, err := successful(issued, err)
	if err != nil {
		return "", err
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &token); err != nil {
		return "", fmt.Errorf("/token answered no JSON: %w", err)
	}
	request, err := http.NewRequest(http.MethodGet, baseURL+"/whoami", nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+token.AccessToken)
	body, err = successful(client.Do(request))
	if err != nil {
		return "", err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, body, "", "  "); err != nil {
		return "", fmt.Errorf("/whoami answered no JSON: %w", err)
	}
	return indented.String(), nil
}

func successful(response *http.Response, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("no answer: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("no whole answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d: %s", response.Request.URL.Path, response.StatusCode, body)
	}
	return body, nil
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
