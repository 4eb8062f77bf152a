export {
  createServiceProxy,
  type ServiceProxy,
  type ServiceProxyOptions,
} from "./service-proxy.ts";
