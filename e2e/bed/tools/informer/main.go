// Command informer watches the ConfigMaps of a namespace as controllers written in Go do, and says
// what its handlers are told: a line of JSON each. It runs until it is killed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

type event struct {
	Kind            string `json:"kind"`
	Name            string `json:"name,omitempty"`
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Of the object before, for updates.
	Before string `json:"before,omitempty"`
}

var (
	output = json.NewEncoder(os.Stdout)
	mutex  sync.Mutex
)

func say(kind string, object, before *corev1.ConfigMap) {
	said := event{Kind: kind}
	if object != nil {
		said.Name, said.ResourceVersion = object.Name, object.ResourceVersion
	}
	if before != nil {
		said.Before = before.ResourceVersion
	}
	mutex.Lock()
	defer mutex.Unlock()
	if err := output.Encode(said); err != nil {
		os.Exit(1)
	}
}

func deleted(object any) {
	if last, isUnseen := object.(cache.DeletedFinalStateUnknown); isUnseen {
		// The end itself was not seen: it was concluded from a list.
		say("concluded", last.Obj.(*corev1.ConfigMap), nil)
		return
	}
	say("delete", object.(*corev1.ConfigMap), nil)
}

var handlers = cache.ResourceEventHandlerFuncs{
	AddFunc: func(object any) { say("add", object.(*corev1.ConfigMap), nil) },
	UpdateFunc: func(before, object any) {
		say("update", object.(*corev1.ConfigMap), before.(*corev1.ConfigMap))
	},
	DeleteFunc: deleted,
}

func run(library, kubeconfig, namespace string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	switch library {
	case "client-go":
		return runFactory(config, namespace)
	case "controller-runtime":
		return runManager(config, namespace)
	default:
		return fmt.Errorf("no library is called %q", library)
	}
}

func main() {
	library := flag.String("library", "client-go", "whose informers: client-go or controller-runtime")
	kubeconfig := flag.String("kubeconfig", "", "of the cluster")
	namespace := flag.String("namespace", "default", "whose ConfigMaps to watch")
	flag.Parse()
	if err := run(*library, *kubeconfig, *namespace); err != nil {
		fmt.Fprintln(os.Stderr, "informer:", err)
		os.Exit(1)
	}
}
