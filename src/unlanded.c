/* Weak stand-ins so that the library links until the rooms below land; goes with them. */
#include "postgres.h"
#include "courier.h"
#include "shipment.h"
#pragma GCC diagnostic ignored "-Wunused-parameter"
__attribute__((weak)) int64 oms_shipment_plan(const OmsShipmentPlan *plan) { static int64 n=0; return ++n; }
