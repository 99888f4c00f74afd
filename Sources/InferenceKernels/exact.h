// Every operation is rounded by itself, in the order in which it is written: what makes results the same on every machine.
// A benchmark defines IK_ANY_ORDER to measure what that costs.
#pragma once
#ifndef IK_ANY_ORDER
#pragma STDC FP_CONTRACT OFF
#endif
