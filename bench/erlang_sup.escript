#!/usr/bin/env escript
%%! +S 1:1 +sbt u -kernel logger_level none
%% Erlang's side of bench_sup.c: the same restarts and trees, with OTP's supervisor on one scheduler, with no log.
%%
%%     escript bench/erlang_sup.escript restart|restart-ack|restart-long|mixed|uniform COUNT
%%
%% Prints seconds: of the restarts; of a tree: start, which_children, stop.
-module(erlang_sup).
-mode(compile).
-behaviour(supervisor).
-export([main/1, init/1, start_brief/3, brief/3, start_brief_ack/3, brief_ack/4, start_idle/0, idle/0]).

main([Work, Text]) ->
    Times = run(Work, list_to_integer(Text)),
    io:format("~s~n", [lists:join($ , [io_lib:format("~.9f", [T]) || T <- Times])]).

run("restart", Count) -> restarts(start_brief, Count, 100, 0);
run("restart-ack", Count) -> restarts(start_brief_ack, Count, 100, 0);
run("restart-long", Count) -> restarts(start_brief, Count, Count, 0);
run("mixed", Count) ->
    Begun = now_s(),
    {ok, Sup} = supervisor:start_link(?MODULE, {mixed, Count}),
    tree(Sup, Count, Begun);
run("uniform", Count) ->
    {ok, Sup} = supervisor:start_link(?MODULE, uniform),
    Begun = now_s(),
    start_some(Sup, Count),
    tree(Sup, Count, Begun).

now_s() -> erlang:monotonic_time(nanosecond) / 1.0e9.

%% --- restarts

%% Each restart goes through the times of all that are in the window, so that a supervisor that restarts for long is
%% slow; here one makes a burst and is replaced.
restarts(_, 0, _, Took) -> [Took];
restarts(Start, Count, Burst, Took) ->
    Some = min(Count, Burst),
    Left = counters:new(1, []),
    counters:put(Left, 1, Some),
    {ok, Sup} = supervisor:start_link(?MODULE, {restart, Start, [Left, Some, self()]}),
    Begun = receive {begun, First} -> First end,
    Ended = receive {made, Last} -> Last end,
    unlink(Sup),
    Ref = monitor(process, Sup),
    exit(Sup, kill),
    receive {'DOWN', Ref, process, Sup, killed} -> ok end,
    restarts(Start, Count - Some, Burst, Took + Ended - Begun).

start_brief(Left, All, Main) -> {ok, spawn_link(?MODULE, brief, [Left, All, Main])}.

brief(Left, All, Main) ->
    case counters:get(Left, 1) of
        0 ->
            Main ! {made, now_s()},
            idle();
        Now ->
            Now =:= All andalso (Main ! {begun, now_s()}),
            counters:sub(Left, 1, 1)
    end.

start_brief_ack(Left, All, Main) -> proc_lib:start_link(?MODULE, brief_ack, [self(), Left, All, Main]).

brief_ack(Parent, Left, All, Main) ->
    proc_lib:init_ack(Parent, {ok, self()}),
    brief(Left, All, Main).

%% --- trees

start_idle() -> {ok, spawn_link(?MODULE, idle, [])}.

idle() -> receive after infinity -> ok end.

%% As many as a hundred requests wait for their answers at the same time.
start_some(_, 0) -> ok;
start_some(Sup, Count) ->
    Some = min(Count, 100),
    Asked = [gen_server:send_request(Sup, {start_child, []}) || _ <- lists:seq(1, Some)],
    lists:foreach(fun(Id) -> {reply, {ok, _}} = gen_server:wait_response(Id, infinity) end, Asked),
    start_some(Sup, Count - Some).

tree(Sup, Count, Begun) ->
    Started = now_s(),
    Children = supervisor:which_children(Sup),
    Listed = now_s(),
    Count = length(Children),
    process_flag(trap_exit, true),
    Stop = now_s(),
    exit(Sup, shutdown),
    receive {'EXIT', Sup, shutdown} -> ok end,
    [Started - Begun, Listed - Started, now_s() - Stop].

%% --- the supervisor

init({restart, Start, Args}) ->
    {ok, {#{intensity => 100000000, period => 1}, [#{id => brief, start => {?MODULE, Start, Args}}]}};
init({mixed, Count}) ->
    Spec = #{start => {?MODULE, start_idle, []}, shutdown => 1000},
    {ok, {#{}, [Spec#{id => {c, N}} || N <- lists:seq(1, Count)]}};
init(uniform) ->
    {ok, {#{strategy => simple_one_for_one}, [#{id => idle, start => {?MODULE, start_idle, []}, shutdown => 1000}]}}.
