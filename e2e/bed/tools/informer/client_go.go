package main

import (
	"fmt"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// runFactory is how a program on client-go alone watches.
func runFactory(config *rest.Config, namespace string) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	informer := factory.Core().V1().ConfigMaps().Informer()
	handler, err := informer.AddEventHandler(handlers)
	if err != nil {
		return err
	}
	forever := make(chan struct{})
	factory.Start(forever)
	if !cache.WaitForCacheSync(forever, handler.HasSynced) {
		return fmt.Errorf("the cache was not filled")
	}
	say("synced", nil, nil)
	<-forever
	return nil
}
