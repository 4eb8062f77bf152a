// Command addon-conversion serves OCM's own conversion between the versions of its addon API.
//
// OCM's `addon webhook-server` does the same, but also listens on two ports that no flag changes,
// so that a machine could run only one.
package main

import (
	"flag"
	"log"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	addonv1alpha1 "open-cluster-management.io/ocm/pkg/addon/webhook/v1alpha1"
	addonv1beta1 "open-cluster-management.io/ocm/pkg/addon/webhook/v1beta1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/conversion"
)

func main() {
	listen := flag.String("listen", "", "address and port to serve on")
	certificate := flag.String("certificate", "", "file of the serving certificate")
	key := flag.String("key", "", "file of its key")
	flag.Parse()

	scheme := runtime.NewScheme()
	for _, install := range []func(*runtime.Scheme) error{addonv1alpha1.Install, addonv1beta1.Install} {
		if err := install(scheme); err != nil {
			log.Fatal(err)
		}
	}
	routes := http.NewServeMux()
	routes.Handle("/convert", conversion.NewWebhookHandler(scheme))
	server := &http.Server{Addr: *listen, Handler: routes, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServeTLS(*certificate, *key))
}
